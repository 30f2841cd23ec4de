"""How much memory a generating worker takes at its peak, beside what it is allowed to.

A process of its own holds releases as a worker does: verified loading, the engine, residency. Its
budget has room for one release of 134 million weights. Each of several is loaded in turn, and
rows as long as the context fill its cache to the last position; then it leaves for the next. The
peak of the resident set is held against weights + cache + 400 MB for the process itself.

    python benchmarks/memory.py --dtype float32 --releases 2 --json
"""

import argparse
import multiprocessing
import queue
import resource
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import torch
from transformers import LlamaForCausalLM

from benchmarks.support import command
from benchmarks.support.models import BUNDLED, CONTEXT, WIDE
from registry.checkpoints.digest import digest_files
from registry.checkpoints.headers import read_header
from registry.checkpoints.manifest import Manifest
from registry.checkpoints.tokenizer import load_tokenizer
from workers import app  # noqa: F401  a worker has all of its modules in memory
from workers.generation.engine import GenerationRequest
from workers.generation.llama import ROWS, LlamaEngine
from workers.generation.loading import load_release
from workers.generation.residency import NotInMemory, Residency
from workers.generation.room import span_of
from workers.generation.weighing import Weight, weights_bytes

PROCESS_BYTES = 400_000_000
NEW_TOKENS = 128
"""More than the steps in which all prompts are read, so that all rows are there at a time."""
WORDS = "It was late in the evening when the old house at the end of the road fell silent. "


def main() -> None:
    """Make the releases, run the worker, and print its peak."""
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.dir, prefix="corral-memory-") as root:
        folders = [Path(root) / str(number) for number in range(options.releases)]
        for seed, folder in enumerate(folders):
            _apart(_make, folder, seed, options.dtype)
        figures = _apart(_work, folders, options.cache_mebibytes << 20)
    allowed = figures["weights_bytes"] + figures["cache_bytes"] + PROCESS_BYTES
    figures["ratio"] = round(figures["peak_bytes"] / allowed, 3)
    lines = [f"{name:<20} {figure:>15,}" for name, figure in figures.items()]
    command.show({"dtype": options.dtype, **figures}, lines, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = command.parser(__doc__)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--releases", type=int, default=2, help="that take turns")
    parser.add_argument("--cache-mebibytes", type=int, default=1024)
    parser.add_argument("--dir", type=Path, help="where the releases are made, then removed")
    return parser.parse_args()


def _apart(work: Callable[..., Any], *given: object) -> Any:
    """Do some work in a fresh process, whose memory is its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(work, *given).result()


def _make(folder: Path, seed: int, dtype: str) -> None:
    """Write a release of 134 million weights."""
    torch.manual_seed(seed)
    model = LlamaForCausalLM(WIDE).to(getattr(torch, dtype))
    model.save_pretrained(folder)
    shutil.copy(BUNDLED / "tokenizer.model", folder)


def _work(folders: Sequence[Path], cache_bytes: int) -> dict[str, int]:
    """Hold one release after the other, each with a full cache; return what that took."""
    shelf = _Folders(folders, cache_bytes)
    largest = max(map(shelf.weigh, shelf.manifests), key=lambda each: each.size_bytes)
    engines, ended = Residency(shelf, budget_bytes=largest.size_bytes), _Ended()
    engines.start(ended)
    begun_bytes, rows = _peak_bytes(), 0
    for digest in shelf.manifests:
        try:
            with engines.using(digest, job_id=uuid4()):
                raise ValueError("two releases are the same")
        except NotInMemory:
            ended.wait()
        rows += _fill(engines, digest, shelf.rows)
    peak_bytes = _peak_bytes()
    engines.close()
    return {
        "process_bytes": begun_bytes,
        "weights_bytes": largest.weights_bytes,
        "cache_bytes": largest.cache_bytes,
        "rows": rows,
        "peak_bytes": peak_bytes,
    }


def _fill(engines: Residency, digest: str, rows: int) -> int:
    """Generate as many rows as the cache has room for, each as long as the context."""
    tokenizer = load_tokenizer(BUNDLED / "tokenizer.model")
    ids = tokenizer.encode(WORDS * CONTEXT)[1 : CONTEXT - NEW_TOKENS]
    request = GenerationRequest(
        prompt=tokenizer.decode(ids), max_new_tokens=NEW_TOKENS, temperature=1.0
    )
    with engines.using(digest, job_id=uuid4()) as engine:
        futures = [engine.submit(request, cancelled=lambda: False) for _ in range(rows)]
        for future in futures:
            future.result()
    return len(futures)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class _Folders:
    """Weighs and loads folders as a worker does releases of its store."""

    def __init__(self, folders: Sequence[Path], cache_bytes: int) -> None:
        self.manifests = dict(map(_described, folders))
        self._cache_bytes = cache_bytes
        heads, width = WIDE.num_attention_heads, WIDE.hidden_size // WIDE.num_attention_heads
        position_bytes = 2 * WIDE.num_hidden_layers * heads * width * torch.float32.itemsize
        self.rows = min(ROWS, cache_bytes // position_bytes // span_of(CONTEXT))

    def weigh(self, digest: str) -> Weight:
        folder, manifest = self.manifests[digest]
        header = read_header(folder / "model.safetensors")
        weights = weights_bytes(header.tensors, item_bytes=torch.float32.itemsize)
        return Weight(weights, self._cache_bytes, manifest.total_bytes)

    def load(self, digest: str, told: Callable[[int], None]) -> LlamaEngine:
        folder, manifest = self.manifests[digest]
        places = {each.sha256: folder / each.path for each in manifest.files}
        loaded = load_release(
            manifest, expected_digest=digest, path_of=places.__getitem__, progress=told
        )
        return LlamaEngine(loaded, cache_bytes=self._cache_bytes, device="cpu")


def _described(folder: Path) -> tuple[str, tuple[Path, Manifest]]:
    manifest = Manifest.of(digest_files(sorted(folder.iterdir()), root=folder))
    return manifest.digest, (folder, manifest)


class _Ended:
    """Hears that a load has ended."""

    def __init__(self) -> None:
        self._ends: queue.Queue[Exception | None] = queue.Queue()

    def wanted(self, digest: str) -> None:
        """Nobody else has it."""

    def ended(self, _digest: str, _jobs: Sequence[UUID], error: Exception | None) -> None:
        """Let who waits go on."""
        self._ends.put(error)

    def wait(self) -> None:
        """Wait for the end of a load, and raise what it failed with."""
        error = self._ends.get()
        if error is not None:
            raise error


if __name__ == "__main__":
    main()
