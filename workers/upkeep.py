"""What a schedule does slowly, beside its sweeps: verify stored releases, collect what is unused.

Each runs in a thread of its own, so that no job waits for a disk.
"""

import socket
import threading
from collections.abc import Callable
from datetime import timedelta

import structlog

from registry.db.session import Database
from registry.errors import Unavailable
from registry.releases.collection import collect
from registry.releases.reverification import Reverification, Stopped
from registry.releases.store import Store
from registry.releases.verifications import SCHEDULE_START
from registry.settings import Settings

log = structlog.get_logger(__name__)

MEGABYTE = 1_000_000
DAY_SECONDS = 24 * 3600
VERIFY_LOOK_SECONDS = 60.0
COLLECT_LOOK_SECONDS = 3600.0


class Upkeep:
    """Looks after the store until it is stopped."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._store = Store(settings.store_dir)
        self._stopping = threading.Event()
        duties: dict[str, tuple[Callable[[], object], float]] = {
            "collect": (self.collect, COLLECT_LOOK_SECONDS)
        }
        if settings.verify_megabytes_per_second:
            duties["verify"] = (self.verify_due, VERIFY_LOOK_SECONDS)
        self._threads = [
            threading.Thread(target=self._repeat, args=duty, name=name, daemon=True)
            for name, duty in duties.items()
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, keeping what is done of a verification."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def verify_due(self) -> int:
        """Verify every release that is due; return how many.

        Raises:
            Stopped: It was told to end.
            Unavailable: There is no store here.
        """
        work = Reverification(
            database=self._database,
            store=self._store,
            every=timedelta(days=self._settings.verify_interval_days),
            bytes_per_second=self._settings.verify_megabytes_per_second * MEGABYTE,
            # Without the process, so that a schedule that starts again goes on at once.
            holder=f"{SCHEDULE_START}{socket.gethostname()}",
            stopping=self._stopping,
        )
        count = 0
        while (digest := work.once()) is not None:
            log.info("stored release verified", digest=digest[:12])
            count += 1
        return count

    def collect(self) -> int:
        """Remove what no release refers to for long enough; return how many files went."""
        grace_seconds = self._settings.collect_after_days * DAY_SECONDS
        found = collect(self._database, self._store, grace_seconds=grace_seconds)
        if found.removed:
            log.info("collected", files=len(found.removed), freed_bytes=found.freed_bytes)
        return len(found.removed)

    def _repeat(self, duty: Callable[[], object], pause_seconds: float) -> None:
        while not self._stopping.is_set():
            try:
                duty()
            except Stopped:
                pass
            except Unavailable as waiting:
                log.warning("upkeep waits", reason=str(waiting))
            except Exception:
                log.exception("upkeep failed; it is tried again")
            self._stopping.wait(pause_seconds)
