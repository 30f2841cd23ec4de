"""One thread in each worker keeps its leases alive and notices those that were lost.

A lease is lost when the job is cancelled, failed, or given to somebody else; the flag of the
lease is then set, and the engine stops at its next step.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog

from registry.db.session import Database
from registry.errors import JobMoved
from registry.jobs import leases
from registry.jobs.model import Job

log = structlog.get_logger(__name__)

BEAT_SECONDS = 0.5


class Heart:
    """Renews the leases of one process until it is stopped."""

    def __init__(self, database: Database, *, lease_seconds: int) -> None:
        self._database = database
        self._lease_seconds = lease_seconds
        self._held: dict[UUID, tuple[Job, threading.Event]] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heart", daemon=True)
        self._thread.start()

    @contextmanager
    def holding(self, job: Job) -> Iterator[threading.Event]:
        """Keep a job's lease alive inside the block; the event says that it was lost."""
        lost = threading.Event()
        with self._lock:
            self._held[job.id] = (job, lost)
        try:
            yield lost
        finally:
            lost.set()  # what still runs for this job, because a part of it failed, stops
            with self._lock:
                self._held.pop(job.id, None)

    def stop(self) -> None:
        """Stop beating."""
        self._stopped.set()
        self._thread.join()

    def _beat(self) -> None:
        renew_every = self._lease_seconds / 3
        last_renewal = time.monotonic()
        while not self._stopped.wait(BEAT_SECONDS):
            due = time.monotonic() - last_renewal >= renew_every
            if due:
                last_renewal = time.monotonic()
            with self._lock:
                held = list(self._held.values())
            if not held:
                continue
            try:
                self._look_after(held, renew=due)
            except Exception:
                log.exception("heartbeat failed; it is tried again at the next beat")

    def _look_after(self, held: list[tuple[Job, threading.Event]], *, renew: bool) -> None:
        with self._database.reading() as session:
            live = leases.still_held(session, [job for job, _ in held])
        for job, lost in held:
            if job.id not in live:
                lost.set()
        if not renew:
            return
        for job, lost in held:
            if lost.is_set():
                continue
            try:
                with self._database.transaction() as session:
                    leases.renew(session, job, seconds=self._lease_seconds)
            except JobMoved:
                lost.set()
