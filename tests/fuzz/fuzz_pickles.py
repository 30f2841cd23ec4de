"""Feed the pickle reader with what a fuzzer comes up with, guided by coverage.

``.venv/bin/pip install --group fuzzing``, then, from the root of the repository::

    .venv/bin/python -m tests.fuzz.fuzz_pickles grown tests/fuzz/pickles -max_total_time=600

New inputs go into the folder ``grown``; ``-merge=1 tests/fuzz/pickles grown`` keeps those
that reach something new. ``tests/integration/registry/checkpoints/test_fuzzed_pickles.py``
replays the kept ones.
"""

import sys

import atheris

with atheris.instrument_imports(include=["registry.checkpoints"]):
    from registry.checkpoints import pickles  # noqa: F401  # so that it is instrumented

from tests.support.fuzzed import read


def main() -> None:
    """Run until the time is up or something is raised."""
    # A merge starts the fuzzer again, by what it takes for its command.
    atheris.Setup([f"{sys.executable} -m tests.fuzz.fuzz_pickles", *sys.argv[1:]], read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
