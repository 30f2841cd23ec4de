"""Releases of the store, weighed and loaded for this machine."""

from collections.abc import Callable
from typing import Protocol

import structlog

from registry.checkpoints.headers import Tensor, read_header
from registry.checkpoints.manifest import Manifest
from registry.db.session import Database
from registry.errors import BadCheckpoint
from registry.releases import queries as releases
from registry.releases.store import Store
from registry.settings import Settings
from workers.generation.engine import Engine
from workers.generation.weighing import TENSORS, Device, Weight, weights_bytes
from workers.logged import log_progress

log = structlog.get_logger(__name__)

SHARE = 0.75
"""How much of the machine's memory releases may take where the operator has not said it."""


class Loader(Protocol):
    """What loads releases, in this process or another."""

    @property
    def device(self) -> Device:
        """What they compute on."""

    def load(self, digest: str, manifest: Manifest, told: Callable[[int], None]) -> Engine:
        """Load a release; tell how many more bytes were read, and stop where that raises."""


def budget_bytes(settings: Settings, device: Device) -> int:
    """Return the memory that all releases of a generating worker may take together."""
    if settings.memory_mebibytes is not None:
        return settings.memory_mebibytes << 20
    return int(SHARE * device.memory_bytes)


class StoreShelf:
    """Weighs and loads releases, as ``residency.Shelf`` describes."""

    def __init__(self, settings: Settings, database: Database, loader: Loader) -> None:
        self._database = database
        self._loader = loader
        self._store = Store(settings.store_dir)
        self._cache_bytes = settings.cache_mebibytes << 20

    def weigh(self, digest: str) -> Weight:
        """Return what a release will take, from the headers of its files.

        Nothing of them is verified yet. A file that cannot be read counts as it is large, and
        loading it says what is wrong with it.
        """
        manifest = self._manifest(digest)
        tensors, unread_bytes = list[Tensor](), 0
        for each in manifest.files:
            if each.path.endswith(TENSORS):
                try:
                    tensors += read_header(self._store.path_of(each.sha256)).tensors
                except BadCheckpoint:
                    unread_bytes += each.size
        item_bytes = self._loader.device.item_bytes
        return Weight(
            weights_bytes=weights_bytes(tensors, item_bytes=item_bytes) + unread_bytes,
            cache_bytes=self._cache_bytes,
            file_bytes=manifest.total_bytes,
        )

    def load(self, digest: str, told: Callable[[int], None]) -> Engine:
        """Load a release, every byte hashed before it is used."""
        manifest = self._manifest(digest)
        logged = log_progress("release is being loaded", manifest.total_bytes, digest=digest[:12])

        def progress(more: int) -> None:
            told(more)
            logged(more)

        engine = self._loader.load(digest, manifest, progress)
        log.info("release loaded", digest=digest[:12])
        return engine

    def _manifest(self, digest: str) -> Manifest:
        with self._database.reading() as session:
            return releases.manifest_for_digest(session, digest)
