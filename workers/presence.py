"""One thread of a generating worker reports what is in its memory, for those who operate it.

A report that cannot be written is written at a later beat; no work waits for it.
"""

import threading
import time

import structlog

from registry.db.session import Database
from registry.residents import service as residents
from registry.residents.service import Resident
from workers.generation.residency import Residency

log = structlog.get_logger(__name__)

BEAT_SECONDS = 3.0
REPORT_SECONDS = 30.0
"""Pause between two reports while nothing changes."""


class Presence:
    """Reports until it is stopped."""

    def __init__(self, database: Database, engines: Residency, *, worker: str) -> None:
        self._database = database
        self._engines = engines
        self._worker = worker
        self._reported: list[Resident] = []
        self._reported_at = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def start(self) -> None:
        """Begin to report."""
        self._thread.start()

    def stop(self) -> None:
        """End, and report that nothing is in memory any more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._try_report([])

    def look(self) -> None:
        """Report if anything has changed, or the last report is old."""
        found = self._engines.residents()
        is_old = bool(found) and time.monotonic() - self._reported_at >= REPORT_SECONDS
        if found != self._reported or is_old:
            self._try_report(found)

    def _run(self) -> None:
        while not self._stopped.wait(BEAT_SECONDS):
            self.look()

    def _try_report(self, found: list[Resident]) -> None:
        try:
            with self._database.transaction() as session:
                residents.report(session, worker=self._worker, residents=found)
        except Exception:
            log.exception("not reported; it is tried again at the next beat")
            return
        self._reported, self._reported_at = found, time.monotonic()
