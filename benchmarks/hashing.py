"""How fast a checkpoint is hashed, beside OpenSSL and beside model_signing.

All run here, in turns, over files that lie in the page cache: ``digest_files`` (SHA-256 and
BLAKE3 in one pass), ``openssl speed`` on SHA-256 alone with as many processes, which reads
nothing, and, where a Python that has it is named, ``model_signing.hashing`` as that hashes
a folder before it signs it (SHA-256 alone). Ratios are medians over the rounds.

The bound is what limits the first ratio: what one core does of all of our work, beside that
of SHA-256 alone, without threads and files, on a block that stays in its cache. Reading from
the page cache costs more than that.

    python benchmarks/hashing.py --files 8 --megabytes 2000 --model-signing scratch/bin/python
"""

import argparse
import hashlib
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from operator import truediv
from pathlib import Path

import numpy as np
from blake3 import blake3

from benchmarks.support import command
from registry.checkpoints.digest import BLOCK_BYTES, digest_files

MEGABYTE = 1_000_000
OPENSSL_BLOCK_BYTES = 16_384

# Starting Python and importing are not counted.
MODEL_SIGNING = """
import sys, time
import model_signing
started = time.perf_counter()
model_signing.hashing.hash(sys.argv[1])
print(time.perf_counter() - started)
"""


def main() -> None:
    """Run the comparison and print it."""
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.dir, prefix="corral-hashing-") as folder:
        root = Path(folder)
        paths = _generate(root, files=options.files, megabytes=options.megabytes)
        total = sum(path.stat().st_size for path in paths)
        digest_files(paths, root=root, threads=options.threads)  # fills the page cache
        measures: dict[str, Callable[[], float]] = {
            "corral": lambda: _corral(paths, root, options.threads),
            "openssl": lambda: _openssl(options.threads, seconds=options.seconds),
        }
        if options.model_signing is not None:
            measures["model_signing"] = lambda: _model_signing(options.model_signing, root, total)
        rates: dict[str, list[float]] = {name: [] for name in measures}
        for _ in range(options.rounds):
            for name, measure in measures.items():
                rates[name].append(measure())
    ratios = {
        name: round(statistics.median(map(truediv, rates["corral"], each)), 3)
        for name, each in rates.items()
        if name != "corral"
    }
    bound = _one_core(both=True) / _one_core(both=False)
    result = {
        "files": options.files,
        "bytes": total,
        "threads": options.threads,
        "bytes_per_second": {name: round(statistics.median(each)) for name, each in rates.items()},
        "ratios": ratios,
        "bound": round(bound, 3),
    }
    lines = [
        *(f"{name:<14}{statistics.median(each) / 1e9:6.2f} GB/s" for name, each in rates.items()),
        *(f"corral beside {name:<14}{ratio:6.2f}" for name, ratio in ratios.items()),
        f"one core, copying, SHA-256 and BLAKE3 beside SHA-256 alone{bound:6.2f}",
    ]
    command.show(result, lines, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = command.parser(__doc__)
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--megabytes", type=int, default=2000, help="all files together")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2, help="of openssl, in each round")
    parser.add_argument(
        "--model-signing", type=Path, metavar="PYTHON", help="a Python that has model_signing"
    )
    parser.add_argument("--dir", type=Path, help="where the files are made, then removed")
    return parser.parse_args()


def _generate(root: Path, *, files: int, megabytes: int) -> list[Path]:
    random = np.random.default_rng(0)
    each = max(1, megabytes // files)
    paths = [root / f"model-{number:05}.safetensors" for number in range(files)]
    for path in paths:
        with path.open("wb") as file:
            for _ in range(each):
                file.write(random.bytes(MEGABYTE))
    return paths


def _corral(paths: Sequence[Path], root: Path, threads: int) -> float:
    started = time.perf_counter()
    digests = digest_files(paths, root=root, threads=threads)
    return sum(each.size for each in digests) / (time.perf_counter() - started)


def _model_signing(python: Path, root: Path, total: int) -> float:
    answer = subprocess.run(
        [python, "-c", MODEL_SIGNING, root], check=True, capture_output=True, text=True
    )
    return total / float(answer.stdout)


def _one_core(*, both: bool, rounds: int = 200) -> float:
    """Return bytes per second of processor time, of one block that stays in the cache."""
    source, block = memoryview(bytes(BLOCK_BYTES)), memoryview(bytearray(BLOCK_BYTES))
    sha, blake, started = hashlib.sha256(), blake3(), time.thread_time()
    for _ in range(rounds):
        if both:
            block[:] = source
            blake.update(block)
        sha.update(block)
    return rounds * BLOCK_BYTES / (time.thread_time() - started)


def _openssl(processes: int, *, seconds: int) -> float:
    """Return bytes per second over all processes."""
    command = ["openssl", "speed", "-multi", str(processes), "-seconds", str(seconds)]
    command += ["-bytes", str(OPENSSL_BLOCK_BYTES), "-evp", "sha256"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    line = next(line for line in answer.splitlines() if line.lower().startswith("sha256"))
    return float(line.split()[-1].rstrip("k")) * 1000


if __name__ == "__main__":
    main()
