"""What a worker that ends had in its hands goes back, so that another one takes it at once."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.jobs import leases
from registry.jobs.model import Job


def give_back(session: Session, job_ids: Sequence[UUID], *, owner: str) -> Sequence[Job]:
    """Let go of those of these jobs that their worker, which is ending, holds; return them.

    Nobody is to blame, so the attempt that was cut short is not counted.
    """
    held = session.scalars(
        select(Job)
        .where(Job.id.in_(job_ids), Job.lease_owner == owner)
        .order_by(Job.id)
        .with_for_update()
    ).all()
    for job in held:
        leases.hand_back(
            session,
            job,
            actor=owner,
            attempts_limit=None,
            code="worker_ended",
            detail="its worker was told to end",
        )
    return held
