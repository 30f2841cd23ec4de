"""One thread in each worker keeps its leases alive, and notices what ends them.

At every beat it asks of each job that is worked on whether the lease is still ours, and
whether its researcher may still use its release. A job that was cancelled, failed or given to
somebody else, whose approval was revoked or whose release is in quarantine is marked, and the
engine stops it at its next step. Once a second it writes down how many tokens there are.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import structlog

from registry.access.gate import admit
from registry.access.model import Scope
from registry.db.session import Database, Session
from registry.errors import JobMoved, Refused
from registry.jobs import leases, progress
from registry.jobs.model import Job
from registry.jobs.states import JobState

log = structlog.get_logger(__name__)

BEAT_SECONDS = 0.4
NOTE_SECONDS = 1.0


class Hold:
    """One job that this worker holds; made by ``Heart.holding``.

    Attributes:
        job: The job as it was claimed.
        new_tokens: How many tokens each of its outputs has; the engine's thread writes them.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.new_tokens = [0] * job.n
        self._noted: list[int] = []
        self._lost = threading.Event()
        self._refusal: Refused | None = None

    def is_lost(self) -> bool:
        """Return whether there is nothing more to do for this job."""
        return self._lost.is_set()

    def lose(self, refusal: Refused | None = None) -> None:
        """Note that there is nothing more to do, and why if the lease is still ours."""
        self._refusal = refusal
        self._lost.set()

    def check(self) -> None:
        """Say why the job was stopped.

        Raises:
            Refused: ``admit`` said no; the lease is still held, and the job must be moved.
            JobMoved: The lease is lost.
        """
        raise self._refusal or JobMoved(f"job {self.job.id} was taken away", job=str(self.job.id))

    def news(self) -> list[int] | None:
        """Return the numbers of tokens, if they are others than the last time."""
        counts = list(self.new_tokens)
        if counts == self._noted:
            return None
        self._noted = counts
        return counts


class Heart:
    """Looks after the leases of one process until it is stopped."""

    def __init__(self, database: Database, *, lease_seconds: int) -> None:
        self._database = database
        self._lease_seconds = lease_seconds
        self._holds: dict[UUID, Hold] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heart", daemon=True)
        self._thread.start()

    @contextmanager
    def holding(self, job: Job) -> Iterator[Hold]:
        """Keep a job's lease alive inside the block; the hold says when it is lost."""
        hold = Hold(job)
        with self._lock:
            self._holds[job.id] = hold
        try:
            yield hold
        finally:
            with self._lock:
                self._holds.pop(job.id, None)
            if not hold.is_lost():
                hold.lose()  # what still runs for this job, because a part of it failed, stops

    def stop(self) -> None:
        """Stop beating."""
        self._stopped.set()
        self._thread.join()

    def _beat(self) -> None:
        renewals = _Every(self._lease_seconds / 3)
        notes = _Every(NOTE_SECONDS)
        while not self._stopped.wait(BEAT_SECONDS):
            renew, note = renewals.is_due(), notes.is_due()
            with self._lock:
                holds = list(self._holds.values())
            if not holds:
                continue
            try:
                self._look(holds)
                if renew:
                    self._renew(holds)
                if note:
                    self._note(holds)
            except Exception:
                log.exception("heartbeat failed; it is tried again at the next beat")

    def _look(self, holds: Sequence[Hold]) -> None:
        """Mark the holds whose job was moved, or may not be worked on any more."""
        with self._database.reading() as session:
            ours = leases.still_held(session, [hold.job for hold in holds])
            refusals = _refusals(session, [hold.job for hold in holds])
        for hold in holds:
            refusal = refusals.get((hold.job.account_id, hold.job.release_id))
            if hold.job.id not in ours:
                hold.lose()
            elif refusal is not None:
                hold.lose(refusal)

    def _renew(self, holds: Sequence[Hold]) -> None:
        """Keep all leases that are ours, in one transaction."""
        ours = [hold.job for hold in holds if not hold.is_lost()]
        if ours:
            with self._database.transaction() as session:
                leases.renew(session, ours, seconds=self._lease_seconds)

    def _note(self, holds: Sequence[Hold]) -> None:
        """Write down the numbers of tokens that changed, all in one transaction."""
        counts = {
            hold.job.id: (hold.job, news)
            for hold in holds
            if hold.job.state is JobState.GENERATING and (news := hold.news()) is not None
        }
        if counts:
            with self._database.transaction() as session:
                progress.note(session, counts)


class _Every:
    """Says when a time has passed since it last said so."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = time.monotonic()

    def is_due(self) -> bool:
        due = time.monotonic() - self._last >= self._seconds
        if due:
            self._last = time.monotonic()
        return due


def _refusals(session: Session, jobs: Sequence[Job]) -> dict[tuple[UUID, UUID], Refused]:
    """Return why ``admit`` says no, by researcher and release, where it does."""
    refusals: dict[tuple[UUID, UUID], Refused] = {}
    for account_id, release_id in {(job.account_id, job.release_id) for job in jobs}:
        try:
            admit(session, account_id=account_id, release_id=release_id, scope=Scope.GENERATE)
        except Refused as refusal:
            refusals[account_id, release_id] = refusal
    return refusals
