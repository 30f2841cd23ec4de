"""What every part of the pipeline works with: records, messages, leases, a name."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar
from uuid import UUID

from registry.db.session import Database, Session
from registry.errors import (
    CorralError,
    JobMoved,
    NoPolicy,
    NotApproved,
    PromptNotScreened,
    PromptRefused,
    ReleaseNotPublished,
)
from registry.jobs import leases, queries
from registry.jobs import service as jobs
from registry.jobs.model import Job
from registry.jobs.states import JobState
from registry.settings import Settings
from workers.dispatch import Dispatcher
from workers.heart import Heart
from workers.portions import let_in
from workers.together import Together

Claimed = TypeVar("Claimed")


class Worker:
    """One worker: claims jobs, and fails or hands back those that it cannot finish."""

    def __init__(
        self,
        *,
        database: Database,
        dispatcher: Dispatcher,
        heart: Heart,
        settings: Settings,
        name: str,
    ) -> None:
        self.database = database
        self.dispatcher = dispatcher
        self.heart = heart
        self.settings = settings
        self.name = name

    def claims(self, take: Callable[..., list[Job]]) -> Together[UUID, Job]:
        """Return a step that leases jobs with one of the claims of ``registry.jobs.leases``."""

        def claim(job_ids: Sequence[UUID]) -> list[Job]:
            with self.database.transaction() as session:
                return take(
                    session, job_ids, owner=self.name, seconds=self.settings.job_lease_seconds
                )

        return Together(claim)

    def claim(self, job_id: UUID, take: Callable[[UUID], Claimed]) -> Claimed:
        """Lease a job by a step, which ``claims`` makes.

        A job whose approval is gone, or whose prompt the policy refuses, fails; one whose prompt
        must be screened first is sent there.

        Raises:
            JobMoved: Somebody else has it, it waits for its release or a policy, or see above.
        """
        try:
            return take(job_id)
        except PromptNotScreened as unscreened:
            with self.database.transaction() as session:
                self.dispatcher.send_after_commit(session, queries.get(session, job_id))
            raise JobMoved(f"job {job_id} waits: {unscreened}") from unscreened
        except (ReleaseNotPublished, NoPolicy) as waiting:
            raise JobMoved(f"job {job_id} waits: {waiting}") from waiting
        except (NotApproved, PromptRefused) as refusal:
            self.fail_unclaimed(job_id, refusal)
            raise JobMoved(f"job {job_id} failed: {refusal.code}") from refusal

    def fail_unclaimed(self, job_id: UUID, error: CorralError) -> None:
        """Fail a job that nobody may work on."""
        with self.database.transaction() as session:
            job = leases.fail_waiting(
                session, job_id, actor=self.name, code=error.code, detail=str(error)
            )
        self.let_in([job])

    def let_in(self, moved: Iterable[Job]) -> None:
        """Send more of the held jobs of these jobs' releases, if places in queues became free."""
        for release_id in {job.release_id for job in moved}:
            let_in(self.database, self.dispatcher, release_id)

    def fail(self, job: Job, error: CorralError) -> None:
        """Fail a job whose lease we hold, for good."""
        with self.database.transaction() as session:
            self.advance_failed(session, leases.held(session, job), error)

    def advance_failed(self, session: Session, job: Job, error: CorralError) -> None:
        """Fail a job in a transaction that has more to write."""
        jobs.advance(
            session,
            job,
            to=JobState.FAILED,
            actor=self.name,
            code=error.code,
            detail=str(error),
        )

    def hand_back(self, job: Job, *, code: str, detail: str, blameless: bool = False) -> None:
        """Let somebody else try, as long as there are attempts left, or always if blameless."""
        with self.database.transaction() as session:
            leases.hand_back(
                session,
                leases.held(session, job),
                actor=self.name,
                attempts_limit=None if blameless else self.settings.job_attempts_limit,
                code=code,
                detail=detail,
            )
