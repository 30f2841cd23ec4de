"""Releases of the store, loaded into this process."""

from collections.abc import Callable
from pathlib import Path

from registry.checkpoints.manifest import Manifest
from registry.releases.store import Store
from workers.generation.capacity import memory_bytes
from workers.generation.llama import LlamaEngine, placement
from workers.generation.loading import load_release
from workers.generation.weighing import Device


class Loader:
    """Loads releases, as ``shelf.Loader`` describes, and computes in this process.

    Args:
        store_dir: Where the store is.
        cache_bytes: Memory for the keys and values of each.
    """

    def __init__(self, store_dir: Path, *, cache_bytes: int) -> None:
        self._store = Store(store_dir)
        self._cache_bytes = cache_bytes

    @property
    def device(self) -> Device:
        """What they compute on."""
        _, dtype = placement()
        return Device(item_bytes=dtype.itemsize, memory_bytes=memory_bytes())

    def load(self, digest: str, manifest: Manifest, told: Callable[[int], None]) -> LlamaEngine:
        """Load a release, every byte hashed before it is used; may be called by many threads."""
        loaded = load_release(
            manifest, expected_digest=digest, path_of=self._store.path_of, progress=told
        )
        return LlamaEngine(loaded, cache_bytes=self._cache_bytes)
