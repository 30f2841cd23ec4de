"""Send jobs' messages. The only part of the workers that the doors may use; torch-free."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from kombu.exceptions import OperationalError

from registry.db.session import Session, after_commit
from registry.jobs import turns
from registry.jobs.leases import note_sent
from registry.jobs.model import Job
from registry.jobs.states import JobState
from registry.prompts import service as prompts
from registry.settings import Settings
from workers.broker import GENERATE, SCORE, SCREEN_PROMPT, make_app, queue
from workers.queues import generate_queue, score_queue

_REACH_SECONDS = 2


class _Message(NamedTuple):
    """A job's identifier, and where it goes."""

    task: str
    job_id: str
    queue: str


class Dispatcher:
    """Sends jobs to the queue that their state, their lane and their policy ask for."""

    def __init__(self, settings: Settings) -> None:
        self._app = make_app(settings)
        self._resend_after_seconds = settings.resend_after_seconds
        self._room_jobs = settings.room_jobs

    def send_after_commit(self, session: Session, job: Job) -> None:
        """Send a job's message once the transaction is durable, whoever's turn it is.

        The row notes the sending beforehand: a message that fails to go out is sent again by
        the sweep, when the note says so.
        """
        self.send_all_after_commit(session, [job])

    def send_all_after_commit(self, session: Session, jobs: Sequence[Job]) -> None:
        """Send jobs' messages in order once the transaction is durable, whoever's turn it is.

        The first that fails ends it, so that a dead broker is asked once.
        """
        messages = _messages(session, jobs)
        for job in jobs:
            note_sent(job, resend_after_seconds=self._resend_after_seconds)

        def send() -> None:
            for task, job_id, name in messages:
                self._app.send_task(task, args=[job_id], queue=queue(name), retry=False)

        after_commit(session, send)

    def send_or_hold(self, session: Session, job: Job) -> None:
        """Send a new job's message after the commit if it is its turn; it is held otherwise."""
        if turns.has_room(session, job, room_jobs=self._room_jobs):
            self.send_all_after_commit(session, [job])

    def is_portion_due(self, session: Session, release_id: UUID) -> bool:
        """Return whether it is worth a transaction to send more of a release's held jobs."""
        return turns.is_worth_it(session, release_id, room_jobs=self._room_jobs)

    def send_portion(self, session: Session, release_id: UUID) -> int:
        """Send the held jobs of a release whose turn it is after the commit; return how many."""
        portion = turns.take(session, release_id, room_jobs=self._room_jobs)
        self.send_all_after_commit(session, portion)
        return len(portion)

    def is_reachable(self) -> bool:
        """Return whether the broker answers."""
        try:
            with self._app.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1, timeout=_REACH_SECONDS)
        except (OSError, OperationalError):
            return False
        return True

    def close(self) -> None:
        """Close the connections to the broker."""
        self._app.close()


def _messages(session: Session, jobs: Sequence[Job]) -> list[_Message]:
    """Return the messages of jobs in their present state."""
    queued = [job.id for job in jobs if job.state is not JobState.SCORING]
    unscreened = prompts.awaiting_screening(session, queued) if queued else set()
    return [_message(job, is_screened=job.id not in unscreened) for job in jobs]


def _message(job: Job, *, is_screened: bool) -> _Message:
    identifier = str(job.id)
    if job.state is JobState.SCORING:
        return _Message(SCORE, identifier, score_queue(job.lane))
    if not is_screened:
        return _Message(SCREEN_PROMPT, identifier, score_queue(job.lane))
    return _Message(GENERATE, identifier, generate_queue(job.release_digest, job.lane))
