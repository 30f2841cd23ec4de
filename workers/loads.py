"""What becomes of the jobs that waited for a release, once its load has ended.

They were never claimed, so a worker that dies meanwhile leaves rows as everybody's: queued, and
sent again by the sweep.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from uuid import UUID

import structlog

from registry.errors import Conflict, Invalid, NotFound
from registry.jobs import leases, queries
from registry.releases import quarantine
from workers.generation.engine import kind_of
from workers.generation.reading import TamperedRelease
from workers.worker import Worker

log = structlog.get_logger(__name__)


class Loads:
    """Looks after the jobs that wait for a load, as ``residency.Audience`` describes.

    Args:
        worker: Where their rows are, and who sends them.
        pause: Called with a release whose messages others may rather take.
        resume: Called with a release whose messages are for this worker again.
    """

    def __init__(
        self, worker: Worker, *, pause: Callable[[str], None], resume: Callable[[str], None]
    ) -> None:
        self._worker = worker
        self._claims = worker.claims(leases.claim_generating)
        self._pause = pause
        self._resume = resume

    def wanted(self, digest: str) -> None:
        """Take no messages of a release that is not in memory; a few are under way already."""
        self._pause(digest)

    def ended(self, digest: str, jobs: Sequence[UUID], error: Exception | None) -> None:
        """Send the jobs again if their release is in memory; end them, or hand them back, if not.

        Where the bytes are not those that were registered, the release goes into quarantine and
        its jobs wait.
        """
        self._resume(digest)
        if error is None:
            self._send(jobs)
        elif isinstance(error, TamperedRelease):
            self._quarantine(digest, error)
        elif isinstance(error, Invalid):
            log.error("release cannot be loaded", digest=digest[:12], reason=str(error))
            for each in jobs:
                with suppress(Conflict, NotFound):
                    self._worker.fail_unclaimed(each, error)
        else:
            log.error("release was not loaded", digest=digest[:12], exc_info=error)
            for each in jobs:
                self._hand_back(each, error)

    def _send(self, jobs: Sequence[UUID]) -> None:
        with self._worker.database.transaction() as session:
            waiting = queries.waiting(session, jobs)
            self._worker.dispatcher.send_all_after_commit(session, waiting)

    def _hand_back(self, job_id: UUID, error: Exception) -> None:
        """Count a failed attempt, so that no job is tried for ever."""
        with suppress(Conflict, NotFound):
            job = self._worker.claim(job_id, self._claims)
            self._worker.hand_back(job, code="generation_failed", detail=kind_of(error))

    def _quarantine(self, digest: str, tampered: TamperedRelease) -> None:
        log.error("release quarantined", digest=digest[:12], reason=str(tampered))
        with self._worker.database.transaction() as session:
            quarantine.place(session, digest=digest, actor=self._worker.name, reason=str(tampered))
