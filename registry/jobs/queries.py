"""Read jobs. What callers see of one is made in ``registry.verdicts.view``."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from registry.accounts.model import Account
from registry.clock import now
from registry.db.paging import Page, paged
from registry.errors import UnknownJob
from registry.jobs.model import Job
from registry.jobs.states import JobState
from registry.releases.model import Release

# Several times for each job, so made once.
_JOBS = (
    select(Job)
    .where(Job.id.in_(bindparam("of_jobs", expanding=True)))
    .execution_options(populate_existing=True)
)


def get(session: Session, identifier: UUID) -> Job:
    """Return a job, whoever owns it.

    Raises:
        UnknownJob: There is none with this identifier.
    """
    [job] = get_all(session, [identifier])
    return job


def get_all(session: Session, identifiers: Sequence[UUID]) -> list[Job]:
    """Return jobs, whoever owns them, in the order of the identifiers.

    Raises:
        UnknownJob: There is none with one of these identifiers.
    """
    found = {row.id: row for row in session.scalars(_JOBS, {"of_jobs": list(identifiers)})}
    for identifier in identifiers:
        if identifier not in found:
            raise UnknownJob(identifier)
    return [found[identifier] for identifier in identifiers]


def lock(session: Session, identifiers: Collection[UUID]) -> None:
    """Lock the rows of several jobs in one order, so that of two who do neither waits forever."""
    if len(identifiers) > 1:
        rows = select(Job.id).where(Job.id.in_(identifiers)).order_by(Job.id)
        session.execute(rows.with_for_update())


def owned(session: Session, identifier: UUID, *, owner: Account) -> Job:
    """Return a job of this researcher's.

    Raises:
        UnknownJob: There is none, or it is somebody else's.
    """
    job = session.get(Job, identifier)
    if job is None or job.account_id != owner.id:
        raise UnknownJob(identifier)
    return job


def waiting(session: Session, identifiers: Collection[UUID]) -> Sequence[Job]:
    """Return those of these jobs that are queued and that nobody holds, the oldest first."""
    return session.scalars(
        select(Job)
        .where(
            Job.id.in_(identifiers),
            Job.state == JobState.QUEUED,
            or_(Job.leased_until.is_(None), Job.leased_until < now()),
        )
        .order_by(Job.id)
    ).all()


def page(
    session: Session,
    *,
    owner: Account,
    state: JobState | None,
    release: Release | None,
    limit: int,
    cursor: str | None,
) -> Page[Job]:
    """Return a researcher's jobs, newest first."""
    query = select(Job).where(Job.account_id == owner.id)
    if state is not None:
        query = query.where(Job.state == state)
    if release is not None:
        query = query.where(Job.release_id == release.id)
    return paged(session, query, Job, limit=limit, cursor=cursor)


def count_by_state(session: Session) -> dict[JobState, int]:
    """Return how many jobs are in each state that is not final."""
    unfinished = (JobState.QUEUED, JobState.GENERATING, JobState.SCORING)
    found = session.execute(
        select(Job.state, func.count()).where(Job.finished_at.is_(None)).group_by(Job.state)
    )
    counts = dict.fromkeys(unfinished, 0)
    counts.update({row[0]: row[1] for row in found})
    return counts
