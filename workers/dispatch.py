"""Send a job's message. The only part of the workers that the doors may use; torch-free."""

from kombu.exceptions import OperationalError

from registry.db.session import Session, after_commit
from registry.jobs.leases import note_sent
from registry.jobs.model import Job
from registry.jobs.states import JobState
from registry.prompts import service as prompts
from registry.settings import Settings
from workers.broker import (
    GENERATE,
    SCORE,
    SCORE_QUEUE,
    SCREEN_PROMPT,
    generate_queue,
    make_app,
    queue,
)

_REACH_SECONDS = 2


class Dispatcher:
    """Sends jobs to the queue that their state and their policy ask for."""

    def __init__(self, settings: Settings) -> None:
        self._app = make_app(settings)
        self._resend_after_seconds = settings.resend_after_seconds

    def send_after_commit(self, session: Session, job: Job) -> None:
        """Send a job's message once the transaction is durable.

        The row notes the sending beforehand: a message that fails to go out is sent again by
        the sweep, when the note says so.
        """
        note_sent(job, resend_after_seconds=self._resend_after_seconds)
        task, name = _route(session, job)
        identifier = str(job.id)
        after_commit(session, lambda: self._send(task, identifier, name))

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

    def _send(self, task: str, job_id: str, name: str) -> None:
        self._app.send_task(task, args=[job_id], queue=queue(name), retry=False)


def _route(session: Session, job: Job) -> tuple[str, str]:
    """Return the task and the queue for a job in its present state."""
    if job.state is JobState.SCORING:
        return SCORE, SCORE_QUEUE
    if prompts.awaits_screening(session, job.id):
        return SCREEN_PROMPT, SCORE_QUEUE
    return GENERATE, generate_queue(job.release_digest)
