"""Which jobs the sweep looks for: lost, not delivered, or of a release that is out of use."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from registry.clock import now
from registry.jobs import leases, service
from registry.jobs.model import Job
from registry.jobs.states import JobState
from registry.releases.model import Release, ReleaseState

SWEEP_LIMIT = 200
_WORK = {
    JobState.QUEUED: "screening its prompt",
    JobState.GENERATING: "generating",
    JobState.SCORING: "scoring",
}


def recover(session: Session, *, attempts_limit: int) -> int:
    """Take back jobs whose worker died; return how many.

    A job that has used up its attempts fails with the reason, so that a prompt that kills
    workers stops doing so.
    """
    lost = session.scalars(
        select(Job)
        .where(Job.state.in_(tuple(_WORK)), Job.leased_until < now())
        .limit(SWEEP_LIMIT)
        .with_for_update(skip_locked=True)
    ).all()
    for job in lost:
        leases.hand_back(
            session,
            job,
            actor="sweep",
            attempts_limit=attempts_limit,
            code="worker_lost",
            detail=f"its worker died while {_WORK[job.state]}",
        )
    return len(lost)


def due(session: Session) -> Sequence[Job]:
    """Return jobs whose message is to be sent (again). Those of an unpublished release wait."""
    return session.scalars(
        select(Job)
        .join(Release, Release.id == Job.release_id)
        .where(
            Job.state.in_((JobState.QUEUED, JobState.SCORING)),
            Job.send_again_at <= now(),
            or_(Job.leased_until.is_(None), Job.leased_until < now()),
            Release.state == ReleaseState.PUBLISHED,
        )
        .order_by(Job.send_again_at)
        .limit(SWEEP_LIMIT)
        .with_for_update(skip_locked=True, of=Job)
    ).all()


def stop_quarantined(session: Session) -> int:
    """Take back jobs that are being generated with bytes in quarantine; return how many.

    Their workers notice at the next heartbeat and stop at the next step; the jobs wait, and
    the attempt that was cut short is not counted.
    """
    running = session.scalars(
        select(Job)
        .join(Release, Release.id == Job.release_id)
        .where(
            Job.finished_at.is_(None),
            Job.state == JobState.GENERATING,
            Release.state == ReleaseState.QUARANTINED,
        )
        .limit(SWEEP_LIMIT)
    ).all()
    for job in running:
        leases.hand_back(
            session,
            job,
            actor="sweep",
            attempts_limit=None,
            code="release_quarantined",
            detail="its release is in quarantine",
        )
    return len(running)


def fail_withdrawn(session: Session) -> int:
    """Fail unfinished jobs of releases that were withdrawn; return how many."""
    waiting = session.scalars(
        select(Job)
        .join(Release, Release.id == Job.release_id)
        .where(
            Job.finished_at.is_(None),
            Job.state.in_(tuple(_WORK)),
            Release.state == ReleaseState.WITHDRAWN,
        )
        .limit(SWEEP_LIMIT)
    ).all()
    for job in waiting:
        service.advance(
            session,
            job,
            to=JobState.FAILED,
            actor="sweep",
            code="release_withdrawn",
            detail="the release was withdrawn before the job was done",
        )
    return len(waiting)
