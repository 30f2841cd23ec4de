"""What do three readers of pickled weights make of files that are meant to do harm?

Corral's reader, ``torch.load(weights_only=True)`` and ``picklescan`` (strict) get the same
files, each file in a process of its own that may use 20 seconds and 4 GiB. ``picklescan``
is compared if it is there: ``.venv/bin/pip install --group scanners``.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.attack import Attack  # noqa: E402  # found on the path just set
from tests.support.attacks import attacks  # noqa: E402
from tests.support.pickled import state, tensor, weights  # noqa: E402

READERS = ("corral", "torch", "picklescan")
SECONDS = 20
MEMORY_BYTES = 1 << 32
BEGIN, END = "<!-- table -->", "<!-- end of table -->"

OURS = """
from registry.checkpoints.pickles import read_tensors
from registry.errors import RefusedPickle
def read(path):
    try:
        read_tensors(path)
    except RefusedPickle as error:
        return "refused: " + error.problem
    return "reads"
"""
TORCH = """
import warnings, torch
warnings.simplefilter("ignore")
def read(path):
    try:
        torch.load(path, weights_only=True)
    except Exception as error:
        return "refuses"
    return "reads"
"""
SCAN = """
import logging
from picklescan.scanner import scan_file_path
logging.disable()
def read(path):
    try:
        found = scan_file_path(str(path), strict=True)
    except Exception as error:
        return "stops with " + type(error).__name__
    if found.issues_count:
        return "warns"
    return "error" if found.scan_err else "finds nothing"
"""
LOOP = """
import os, sys
from pathlib import Path
for name in sys.stdin:
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        import resource
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os.chdir(sys.argv[1])
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        try:
            os.write(write_end, read(Path(name.strip())).encode())
        except MemoryError:
            os.write(write_end, b"runs out of memory")
        os._exit(0)
    os.close(write_end)
    os.waitpid(child, 0)
    print(os.read(read_end, 1000).decode() or "dies", flush=True)
    os.close(read_end)
"""
CODE = {"corral": OURS, "torch": TORCH, "picklescan": SCAN}


@dataclass(frozen=True)
class Row:
    """What the readers said of one file; a reader that is not there said nothing."""

    attack: Attack
    answers: dict[str, str]


def ask(reader: str, files: list[Path], folder: Path) -> list[str]:
    """Return a reader's answer to each file."""
    code = CODE[reader] + LOOP.replace("SECONDS", str(SECONDS)).replace("MEMORY", str(MEMORY_BYTES))
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        input="".join(f"{file}\n" for file in files),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    answers = done.stdout.splitlines()
    if len(answers) < len(files):
        print(f"{reader} was not compared: {done.stderr.splitlines()[-1]}", file=sys.stderr)
        return []
    return answers


def compare(limit: int | None) -> tuple[list[Row], bool]:
    """Return what the readers say of every attack, and whether one of them ran."""
    with tempfile.TemporaryDirectory() as name:
        folder, marker = Path(name), Path(name, "marker")
        tried = list(attacks(marker))[:limit]
        files = [folder / f"{number}.pth" for number in range(len(tried))]
        for file, attack in zip(files, tried, strict=True):
            file.write_bytes(attack.data)
        good = folder / "good.pth"
        good.write_bytes(weights(state(a=tensor())))
        answers = {reader: ask(reader, [good, *files], folder) for reader in READERS}
        for reader, given in answers.items():
            assert not given or given[0] in {"reads", "finds nothing"}, (reader, given[0])
        rows = [
            Row(attack, {reader: given[place] for reader, given in answers.items() if given})
            for place, attack in enumerate(tried, start=1)
        ]
        return rows, marker.exists()


def is_stopped(answer: str) -> bool:
    """Return whether an answer keeps a person from using the file."""
    return answer not in {"reads", "finds nothing"}


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of the tables: each class, then each file."""
    yield "| Class | Files | Corral refuses | torch refuses | picklescan warns or fails |"
    yield "|---|---:|---:|---:|---:|"
    for group in [*dict.fromkeys(row.attack.group for row in rows), "all"]:
        some = [row for row in rows if group in {row.attack.group, "all"}]
        counts = " | ".join(
            str(sum(is_stopped(row.answers.get(each, "reads")) for row in some)) for each in READERS
        )
        yield f"| {group} | {len(some)} | {counts} |"
    yield ""
    yield "| Class | File | Corral | torch | picklescan |"
    yield "|---|---|---|---|---|"
    for row in rows:
        answers = " | ".join(row.answers.get(reader, "") for reader in READERS)
        yield f"| {row.attack.group} | {row.attack.name} | {answers} |"


def main() -> None:
    """Compare, and print the tables or write them into a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, help="try only so many files")
    parser.add_argument("--json", action="store_true", help="print rows as JSON")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write them into a page")
    given = parser.parse_args()
    rows, has_run = compare(given.limit)
    lines = list(table(rows))
    if given.json:
        print(json.dumps([{"file": row.attack.name, **row.answers} for row in rows]))
    elif given.write:
        before, _, rest = given.write.read_text().partition(BEGIN)
        _, _, after = rest.partition(END)
        given.write.write_text("\n".join([f"{before}{BEGIN}", *lines, f"{END}{after}"]))
    else:
        print("\n".join(lines))
    assert not has_run, "one of the readers ran an attack"


if __name__ == "__main__":
    main()
