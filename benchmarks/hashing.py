"""How fast a checkpoint is hashed, beside what this machine's OpenSSL can do.

Both run here, one after the other: ``digest_files`` over generated files that lie in the
page cache (SHA-256 and BLAKE3 in one pass), and ``openssl speed`` on SHA-256 alone with as
many processes, which reads nothing. The ratio of the two is what reading, BLAKE3 and
Python cost. The best of several rounds counts, because other work only ever slows one down.

    python benchmarks/hashing.py --files 4 --megabytes 1024 --json
"""

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.support import command
from registry.checkpoints.digest import digest_files

MEGABYTE = 1_000_000
OPENSSL_BLOCK_BYTES = 16_384


def main() -> None:
    """Run the comparison and print it."""
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.dir, prefix="corral-hashing-") as folder:
        root = Path(folder)
        paths = _generate(root, files=options.files, megabytes=options.megabytes)
        total = sum(path.stat().st_size for path in paths)
        digest_files(paths, root=root, threads=options.threads)  # fills the page cache
        ours, openssl = 0.0, 0.0
        for _ in range(options.rounds):
            started = time.perf_counter()
            digest_files(paths, root=root, threads=options.threads)
            ours = max(ours, total / (time.perf_counter() - started))
            openssl = max(openssl, _openssl(options.threads, seconds=options.seconds))
    result = {
        "files": options.files,
        "bytes": total,
        "threads": options.threads,
        "bytes_per_second": round(ours),
        "openssl_bytes_per_second": round(openssl),
        "ratio": round(ours / openssl, 3),
    }
    lines = (
        f"corral   {ours / 1e9:6.2f} GB/s  sha256 + blake3, {options.files} files, {total} bytes",
        f"openssl  {openssl / 1e9:6.2f} GB/s  sha256, -multi {options.threads}, nothing read",
        f"ratio    {result['ratio']:6.2f}",
    )
    command.show(result, lines, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = command.parser(__doc__)
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--megabytes", type=int, default=1024, help="all files together")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2, help="of openssl, in each round")
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


def _openssl(processes: int, *, seconds: int) -> float:
    """Return bytes per second over all processes."""
    command = ["openssl", "speed", "-multi", str(processes), "-seconds", str(seconds)]
    command += ["-bytes", str(OPENSSL_BLOCK_BYTES), "-evp", "sha256"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    line = next(line for line in answer.splitlines() if line.lower().startswith("sha256"))
    return float(line.split()[-1].rstrip("k")) * 1000


if __name__ == "__main__":
    main()
