"""A release in a store, and engine processes that generate with it."""

import shutil
import threading
from pathlib import Path

from registry.checkpoints.manifest import Manifest
from registry.releases.store import Store
from tests.support.llamas import Shape, describe, write_llama
from workers.generation.apart import EngineProcess
from workers.generation.engine import GenerationRequest

WAIT_SECONDS = 60
CACHE_BYTES = 1 << 20
LONG = 100


def store_llama(root: Path) -> tuple[Path, Manifest]:
    """Make a store with one tiny release; return its folder and the manifest."""
    manifest, path_of = describe(write_llama(root / "llama", Shape(context=LONG + 16)))
    for entry in manifest.files:
        place = Store(root / "store").path_of(entry.sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path_of(entry.sha256), place)
    return root / "store", manifest


def begin(store: Path, lost: threading.Event) -> EngineProcess:
    """Start a process; the event is set when it has ended though nobody closed it."""
    return EngineProcess(store, cache_bytes=CACHE_BYTES, log_level="INFO", when_lost=lost.set)


def request(tokens: int = 8, seed: int = 0) -> GenerationRequest:
    """Return a request for a sample."""
    return GenerationRequest(prompt="The fox", max_new_tokens=tokens, seed=seed)


def never() -> bool:
    """Cancel nothing."""
    return False


def untold(_: int) -> None:
    """Take no notice."""
