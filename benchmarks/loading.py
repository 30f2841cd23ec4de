"""How long a verified load takes, beside a load that verifies nothing.

The same safetensors files, which lie in the page cache, are loaded in turns: by
``read_tensors``, which hashes every byte with BLAKE3 on the way into memory of our own, by
the same with SHA-256 instead (a manifest without BLAKE3), and by ``load_file`` of safetensors
followed by a clone of every tensor, which leaves as much memory of the process's own. The
ratios are to the last, of time on the clock and of processor time, which other work on the
machine changes less; the medians of all rounds count.

    python benchmarks/loading.py --files 2 --megabytes 1000 --json
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors.numpy import save_file
from safetensors.torch import load_file
from torch import Tensor

from benchmarks.support import command
from registry.checkpoints.digest import Progress, digest_files, in_parallel
from registry.checkpoints.manifest import FileEntry, Manifest
from workers.generation.tensors import read_tensors

MEGABYTE = 1_000_000
MATRIX = 4096 * 4096

Load = Callable[[], dict[str, Tensor]]


def main() -> None:
    """Run the comparison and print it."""
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.dir, prefix="corral-loading-") as folder:
        root = Path(folder)
        paths = _generate(root, files=options.files, megabytes=options.megabytes)
        entries = Manifest.of(digest_files(paths, root=root)).files
        loads: dict[str, Load] = {
            "verified": lambda: _read(root, entries),
            "sha256": lambda: _read(root, [replace(each, blake3=None) for each in entries]),
            "load_file": lambda: _load_and_clone(paths),
        }
        taken: dict[str, list[_Taken]] = {name: [] for name in loads}
        for _ in range(options.rounds):
            for name, load in loads.items():
                taken[name].append(_timed(load))
    total = sum(each.size for each in entries)
    figures = {name: _figures(each, taken["load_file"], total) for name, each in taken.items()}
    result = {"files": options.files, "bytes": total, "rounds": options.rounds, **figures}
    command.show(result, command.rows(figures), as_json=options.json)


def _options() -> argparse.Namespace:
    parser = command.parser(__doc__)
    parser.add_argument("--files", type=int, default=2)
    parser.add_argument("--megabytes", type=int, default=1000, help="all files together")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dir", type=Path, help="where the files are made, then removed")
    return parser.parse_args()


def _generate(root: Path, *, files: int, megabytes: int) -> list[Path]:
    """Write files of tensors of 16 bits, each as large as a matrix of a 7B model."""
    numbers = megabytes * MEGABYTE // files // 2
    generator = np.random.default_rng(0)
    paths = [root / f"model-{number:05}.safetensors" for number in range(files)]
    for path in paths:
        bits = generator.integers(0, 1 << 15, size=numbers, dtype=np.int16)
        save_file(
            {f"{start}": bits[start : start + MATRIX] for start in range(0, numbers, MATRIX)},
            path,
        )
    return paths


def _read(root: Path, entries: Sequence[FileEntry]) -> dict[str, Tensor]:
    threads = max(1, (os.cpu_count() or 1) // len(entries))

    def work(entry: FileEntry, report: Progress) -> dict[str, Tensor]:
        return read_tensors(entry, root / entry.path, threads=threads, progress=report)

    return {
        f"{entry.path} {name}": tensor
        for entry, found in zip(entries, in_parallel(work, entries), strict=True)
        for name, tensor in found.items()
    }


def _load_and_clone(paths: Sequence[Path]) -> dict[str, Tensor]:
    return {
        f"{path.name} {name}": tensor.clone()
        for path in paths
        for name, tensor in load_file(path).items()
    }


class _Taken(NamedTuple):
    """What one load took: seconds on the clock, and seconds of all processors together."""

    wall: float
    processor: float


def _timed(load: Load) -> _Taken:
    wall, processor = time.perf_counter(), time.process_time()
    held = load()
    taken = _Taken(time.perf_counter() - wall, time.process_time() - processor)
    del held
    return taken


def _figures(ours: Sequence[_Taken], theirs: Sequence[_Taken], total: int) -> dict[str, float]:
    """Return medians; a ratio is that of one round, so what slows both does not count."""
    pairs = list(zip(ours, theirs, strict=True))
    seconds = statistics.median(one.wall for one in ours)
    processor = statistics.median(one.processor / other.processor for one, other in pairs)
    return {
        "seconds": round(seconds, 4),
        "bytes_per_second": round(total / seconds),
        "ratio": round(statistics.median(one.wall / other.wall for one, other in pairs), 3),
        "processor_ratio": round(processor, 3),
    }


if __name__ == "__main__":
    main()
