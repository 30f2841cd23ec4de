"""How fast Meta's shards become safetensors, and how much memory that takes.

Shards of random weights are written with ``torch.save`` and lie in the page cache. They are
converted, hashed and synced to the disk by a process of its own, whose peak of resident
memory (``VmHWM``, mapped pages included) counts from its start, and beside it the same bytes
are copied by ``digest_file``, hashed and synced: what registering them costs anyway. The best
of several rounds counts, because other work only ever slows one down.

    python benchmarks/conversion.py --megabytes 1000 --shards 2 --json
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.support import command
from registry.checkpoints.digest import digest_file
from registry.checkpoints.llama import Shape, split_of

MEMORY_LIMIT_BYTES = 512_000_000
DIM, FEED_FORWARD, VOCAB_SIZE = 2048, 5632, 32_000

# The process that is measured, without torch.
CHILD = """
import json, sys, time
from pathlib import Path
from registry.checkpoints.convert import from_meta
from registry.checkpoints.digest import in_parallel
from registry.checkpoints.llama import Shape
from registry.checkpoints.pickles import read_tensors
from registry.checkpoints.writing import files_for

folder, out, limit, sizes = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
started = time.perf_counter()
shards = [read_tensors(file) for file in sorted(folder.glob("*.pth"))]
conversion = from_meta(shards, shape=Shape(**json.loads(sizes)))
files = files_for(conversion.tensors, limit_bytes=limit)
in_parallel(lambda file, report: file.write(out / file.path, progress=report), files)
seconds = time.perf_counter() - started
status = Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(json.dumps({"seconds": seconds, "peak_bytes": peak * 1024, "files": len(files)}))
"""


def main() -> None:
    """Run the comparison and print it."""
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.dir, prefix="corral-conversion-") as folder:
        root = Path(folder)
        shape = _shape(options.megabytes)
        _generate(root, shape, shards=options.shards)
        shards = sorted(root.glob("*.pth"))
        total = sum(path.stat().st_size for path in shards)
        best, copied, peak = 0.0, 0.0, 0.0
        found: dict[str, float] = {}
        for _ in range(options.rounds):
            found = _convert(root, shape, limit_bytes=options.file_megabytes * 1_000_000)
            best, peak = max(best, total / found["seconds"]), max(peak, found["peak_bytes"])
            copied = max(copied, total / _copy(shards, root / "copy"))
    largest = 2 * VOCAB_SIZE * DIM
    limit = MEMORY_LIMIT_BYTES + 2 * largest
    result = {
        "shards": options.shards,
        "bytes": total,
        "files_written": round(found["files"]),
        "bytes_per_second": round(best),
        "copy_bytes_per_second": round(copied),
        "ratio": round(best / copied, 3),
        "peak_rss_bytes": round(peak),
        "peak_rss_limit_bytes": limit,
        "largest_tensor_bytes": largest,
    }
    lines = (
        f"convert  {best / 1e6:7.0f} MB/s  {options.shards} shards, {total} bytes, sha256 + blake3",
        f"copy     {copied / 1e6:7.0f} MB/s  the same bytes, sha256 + blake3, one after the other",
        f"ratio    {result['ratio']:7.2f}",
        f"peak     {peak / 1e6:7.0f} MB    resident; allowed are {limit / 1e6:.0f} MB",
    )
    command.show(result, lines, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = command.parser(__doc__)
    parser.add_argument("--megabytes", type=int, default=1000, help="all shards together")
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--file-megabytes", type=int, default=5000, help="of one file written")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dir", type=Path, help="where the files are made, then removed")
    return parser.parse_args()


def _shape(megabytes: int) -> Shape:
    """Return a LLaMA of about this size, with grouped-query heads."""
    layer = 2 * (DIM * DIM * 5 // 2 + 3 * DIM * FEED_FORWARD)
    layers = max(1, round((megabytes * 1e6 - 4 * VOCAB_SIZE * DIM) / layer))
    return Shape(DIM, layers, 16, 4, FEED_FORWARD, VOCAB_SIZE)


def _generate(root: Path, shape: Shape, *, shards: int) -> None:
    random = np.random.default_rng(0)
    for number in range(shards):
        tensors = {}
        for name in shape.names():
            sizes = list(shape.of(name))
            split = split_of(name, embedding_by_rows=False)
            if split != "copied":
                sizes[0 if split == "rows" else 1] //= shards
            bits = np.frombuffer(random.bytes(2 * int(np.prod(sizes))), dtype=np.int16)
            tensors[name] = torch.from_numpy(bits.reshape(sizes).copy()).view(torch.float16)
        torch.save(tensors, root / f"consolidated.{number:02}.pth")


def _convert(root: Path, shape: Shape, *, limit_bytes: int) -> dict[str, float]:
    sizes = {name: getattr(shape, name) for name in Shape.__dataclass_fields__}
    with tempfile.TemporaryDirectory(dir=root) as out:
        answer = subprocess.run(
            [sys.executable, "-c", CHILD, root, out, str(limit_bytes), json.dumps(sizes)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    found: dict[str, float] = json.loads(answer)
    return found


def _copy(files: list[Path], target: Path) -> float:
    """Return how many seconds it takes to copy and hash files, one after the other."""
    started = time.perf_counter()
    for file in files:
        with target.open("wb") as sink:
            digest_file(file, path=file.name, sink=sink)
            sink.flush()
            os.fsync(sink.fileno())
    seconds = time.perf_counter() - started
    target.unlink()
    return seconds


if __name__ == "__main__":
    main()
