"""How much memory a generating worker takes at its peak, beside what it is allowed to.

A worker's two processes (``support/holding.py``) hold releases as in service: residency, verified
loading, the engine. The budget has room for one release of 134 million weights. Each of several is
loaded in turn, and rows as long as the context fill its cache to the last position; then it leaves
for the next. The peaks of both resident sets together are held against weights + cache + 400 MB for
the processes themselves.

    python benchmarks/memory.py --dtype float32 --releases 2 --json
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

import torch
from transformers import LlamaForCausalLM

from benchmarks.support import command
from benchmarks.support.models import BUNDLED, CONTEXT, WIDE
from registry.checkpoints.digest import digest_files
from registry.checkpoints.headers import read_header
from registry.checkpoints.manifest import FileEntry, Manifest
from registry.checkpoints.tokenizer import load_tokenizer
from registry.releases.store import Store
from workers.generation.llama import ROWS
from workers.generation.room import span_of
from workers.generation.weighing import Weight, weights_bytes

PROCESS_BYTES = 400_000_000
ITEM_BYTES = torch.float32.itemsize
NEW_TOKENS = 128
"""More than the steps in which all prompts are read, so that all rows are there at a time."""
WORDS = "It was late in the evening when the old house at the end of the road fell silent. "


def main() -> None:
    """Make the releases, hold them, and print the peak."""
    options = _options()
    cache_bytes = options.cache_mebibytes << 20
    with tempfile.TemporaryDirectory(dir=options.dir, prefix="corral-memory-") as root:
        store, releases = Store(Path(root)), list[tuple[FileEntry, ...]]()
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
            for seed in range(options.releases):
                folder = Path(root) / str(seed)
                apart.submit(_make, folder, seed, options.dtype).result()
                weights = weights_bytes(
                    read_header(folder / "model.safetensors").tensors, item_bytes=ITEM_BYTES
                )
                releases.append(_put(store, folder))
        asked = {
            "store": root,
            "cache_bytes": cache_bytes,
            "releases": [[asdict(each) for each in files] for files in releases],
            "weight": asdict(Weight(weights, cache_bytes, sum(each.size for each in releases[0]))),
            "rows": _rows(cache_bytes),
            "request": _request(),
        }
        begun_bytes, peak_bytes = _hold(asked)
    figures = {
        "processes_bytes": begun_bytes,
        "weights_bytes": weights,
        "cache_bytes": cache_bytes,
        "rows": _rows(cache_bytes),
        "peak_bytes": peak_bytes,
        "ratio": round(peak_bytes / (weights + cache_bytes + PROCESS_BYTES), 3),
    }
    lines = [f"{name:<20} {figure:>15,}" for name, figure in figures.items()]
    command.show({"dtype": options.dtype, **figures}, lines, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = command.parser(__doc__)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--releases", type=int, default=2, help="that take turns")
    parser.add_argument("--cache-mebibytes", type=int, default=1024)
    parser.add_argument("--dir", type=Path, help="where the releases are made, then removed")
    return parser.parse_args()


def _make(folder: Path, seed: int, dtype: str) -> None:
    """Write a release of 134 million weights."""
    torch.manual_seed(seed)
    model = LlamaForCausalLM(WIDE).to(getattr(torch, dtype))
    model.save_pretrained(folder)
    shutil.copy(BUNDLED / "tokenizer.model", folder)


def _put(store: Store, folder: Path) -> tuple[FileEntry, ...]:
    """Move a folder's files to where a store has them."""
    manifest = Manifest.of(digest_files(sorted(folder.iterdir()), root=folder))
    for each in manifest.files:
        place = store.path_of(each.sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        (folder / each.path).replace(place)
    return manifest.files


def _rows(cache_bytes: int) -> int:
    """Return how many rows, each as long as the context, a cache has room for."""
    position_bytes = 2 * WIDE.num_hidden_layers * WIDE.hidden_size * ITEM_BYTES
    return min(ROWS, cache_bytes // position_bytes // span_of(CONTEXT))


def _request() -> dict[str, object]:
    """Return a request as long as the context."""
    tokenizer = load_tokenizer(BUNDLED / "tokenizer.model")
    ids = tokenizer.encode(WORDS * CONTEXT)[1 : CONTEXT - NEW_TOKENS]
    return {"prompt": tokenizer.decode(ids), "max_new_tokens": NEW_TOKENS, "temperature": 1.0}


def _hold(asked: dict[str, object]) -> tuple[int, int]:
    """Hold the releases in fresh processes, whose memory is their own."""
    held = subprocess.run(
        [sys.executable, "-m", "benchmarks.support.holding"],
        input=json.dumps(asked),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    begun_bytes, peak_bytes = json.loads(held.stdout)
    return begun_bytes, peak_bytes


if __name__ == "__main__":
    main()
