"""Who works on a job, until when, and under which fence.

A lease that is not renewed runs out; the sweep then gives the job to somebody else under a
higher fence, and the old holder's writes are refused.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import bindparam, or_, select, tuple_, update
from sqlalchemy.orm import Session

from registry.access.gate import admit_all
from registry.access.model import Scope
from registry.clock import now
from registry.errors import JobMoved
from registry.jobs import queries, service
from registry.jobs.model import Job
from registry.jobs.service import Lease
from registry.jobs.states import JobState
from registry.prompts import service as prompts

RESEND_DOUBLINGS = 6


def claim_generating(
    session: Session, job_ids: Sequence[UUID], *, owner: str, seconds: int
) -> list[Job]:
    """Take queued jobs: admit again, ask whether their prompts may be answered, then lease them.

    All or none: where one cannot be taken, the caller rolls back.

    Raises:
        JobMoved: Somebody else has it, or it has ended.
        PromptNotScreened: Its prompt must be screened first.
        Refused: ``admit`` says no, or the policy refuses the prompt.
        NoPolicy: None is in force.
    """
    jobs = _admitted(session, job_ids, JobState.QUEUED)
    prompts.check_pass(session, job_ids)
    lease = Lease(owner, now() + timedelta(seconds=seconds))
    service.advance_all(session, jobs, to=JobState.GENERATING, actor=owner, lease=lease)
    return jobs


def claim_screening(
    session: Session, job_ids: Sequence[UUID], *, owner: str, seconds: int
) -> list[Job]:
    """Take queued jobs whose prompts must be screened; they stay queued. All or none.

    Raises:
        JobMoved: Somebody else has one, it has ended, or its prompt is screened already.
        Refused: ``admit`` says no.
    """
    jobs = _admitted(session, job_ids, JobState.QUEUED)
    for job_id in set(job_ids) - prompts.awaiting_screening(session, job_ids):
        raise JobMoved(f"job {job_id} has no prompt to screen", job=str(job_id))
    return _lease(session, jobs, owner=owner, seconds=seconds)


def claim_scoring(
    session: Session, job_ids: Sequence[UUID], *, owner: str, seconds: int
) -> list[Job]:
    """Take jobs whose outputs wait to be scored. All or none.

    Raises:
        JobMoved: Somebody else has one, or it is elsewhere.
        Refused: ``admit`` says no.
    """
    jobs = _admitted(session, job_ids, JobState.SCORING)
    return _lease(session, jobs, owner=owner, seconds=seconds)


def renew(session: Session, jobs: Sequence[Job], *, seconds: int) -> None:
    """Keep the leases of these jobs for another while, as far as they are still held.

    ``still_held`` tells which are not.
    """
    until = now() + timedelta(seconds=seconds)
    session.connection().execute(
        update(Job)
        .where(
            Job.id == bindparam("of_id"),
            Job.fence == bindparam("of_fence"),
            Job.state == bindparam("of_state"),
        )
        .values(leased_until=bindparam("until")),
        [
            {"of_id": job.id, "of_fence": job.fence, "of_state": job.state, "until": until}
            for job in jobs
        ],
    )


def held(session: Session, claimed: Job) -> Job:
    """Return the row of a job that its worker claimed, if the worker still holds it.

    Raises:
        JobMoved: The lease is lost.
    """
    [job] = held_all(session, [claimed])
    return job


def held_all(session: Session, claimed: Sequence[Job]) -> list[Job]:
    """Return the rows of jobs that their worker claimed, if the worker still holds them all.

    Raises:
        JobMoved: A lease is lost.
    """
    jobs = queries.get_all(session, [each.id for each in claimed])
    for job, was in zip(jobs, claimed, strict=True):
        if (job.fence, job.state) != (was.fence, was.state):
            raise JobMoved(f"the lease on job {job.id} is lost", job=str(job.id))
    return jobs


def still_held(session: Session, jobs: Sequence[Job]) -> set[UUID]:
    """Return which of these jobs are still as their holder claimed them."""
    fences = {each.id: (each.fence, each.state) for each in jobs}
    found = session.execute(select(Job.id, Job.fence, Job.state).where(Job.id.in_(fences)))
    return {row.id for row in found if fences[row.id] == (row.fence, row.state)}


def hand_back(
    session: Session, job: Job, *, actor: str, attempts_limit: int | None, code: str, detail: str
) -> None:
    """Let somebody else try a leased job, or fail it when its attempts are used up.

    Without a limit nobody is to blame, and this attempt is not counted.

    Raises:
        JobMoved: It has moved on.
    """
    attempts = job.attempts - (attempts_limit is None)
    if attempts_limit is not None and attempts >= attempts_limit:
        detail = f"{detail} ({job.attempts} attempts)"
        service.advance(session, job, to=JobState.FAILED, actor=actor, code=code, detail=detail)
    elif job.state is JobState.GENERATING:
        service.advance(session, job, to=JobState.QUEUED, actor=actor)
        job.attempts = attempts
    else:
        _let_go(session, job, attempts=attempts)


def fail_waiting(session: Session, job_id: UUID, *, actor: str, code: str, detail: str) -> Job:
    """Fail a job that waits and that nobody may work on any more; return it.

    Raises:
        JobMoved: It has moved on.
    """
    job = queries.get(session, job_id)
    service.advance(session, job, to=JobState.FAILED, actor=actor, code=code, detail=detail)
    return job


def note_sent(job: Job, *, resend_after_seconds: int) -> None:
    """Note that a message goes out after this commit, and when to send the next one.

    The wait doubles with each message, so that a long queue is not filled with copies.
    """
    wait = resend_after_seconds * 2 ** min(job.sends, RESEND_DOUBLINGS)
    job.sends += 1
    job.send_again_at = now() + timedelta(seconds=wait)


def pass_on(session: Session, job: Job) -> None:
    """End the lease of a job whose prompt was screened; it is queued with all its attempts.

    Raises:
        JobMoved: The lease is lost.
    """
    _let_go(session, job, attempts=0)


def _let_go(session: Session, job: Job, *, attempts: int) -> None:
    """End a lease without a move; the job is sent again at the next sweep."""
    swap = (
        update(Job)
        .where(Job.id == job.id, Job.fence == job.fence, Job.state == job.state)
        .values(
            fence=Job.fence + 1,
            attempts=attempts,
            lease_owner=None,
            leased_until=None,
            sends=0,
            send_again_at=now(),
        )
        .returning(Job)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if session.scalar(swap) is None:
        raise JobMoved(f"the lease on job {job.id} is lost", job=str(job.id))


def _admitted(session: Session, job_ids: Sequence[UUID], state: JobState) -> list[Job]:
    """Return jobs that are in this state and may be worked on."""
    if len(set(job_ids)) < len(job_ids):  # two messages about one job; one of them is late
        raise JobMoved("a job is claimed twice at the same moment")
    jobs = queries.get_all(session, job_ids)
    for job in jobs:
        if job.state is not state:
            raise JobMoved(f"job {job.id} is {job.state}, not {state}", job=str(job.id))
    uses = [(job.account_id, job.release_id) for job in jobs]
    admit_all(session, uses, scope=Scope.GENERATE)
    return jobs


def _lease(session: Session, jobs: list[Job], *, owner: str, seconds: int) -> list[Job]:
    """Lease jobs that nobody holds, each under a new fence."""
    names = {job.id for job in jobs}
    queries.lock(session, names)
    swap = (
        update(Job)
        .where(
            Job.id.in_(names),
            tuple_(Job.id, Job.state, Job.fence).in_([(j.id, j.state, j.fence) for j in jobs]),
            or_(Job.leased_until.is_(None), Job.leased_until < now()),
        )
        .values(
            fence=Job.fence + 1,
            attempts=Job.attempts + 1,
            lease_owner=owner,
            leased_until=now() + timedelta(seconds=seconds),
        )
        .returning(Job)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    for name in names - {row.id for row in session.scalars(swap)}:
        raise JobMoved(f"somebody else has job {name}", job=str(name))
    return jobs
