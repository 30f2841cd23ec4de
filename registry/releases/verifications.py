"""The history of verifications: when the stored bytes were read back, and what was found."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.db.paging import Page, paged
from registry.releases.model import Verification

SCHEDULE_START = "schedule:"
"""What the names of schedules begin with; no account's handle can."""


def newest_by_person(
    session: Session, digest: str, *, started_after: datetime
) -> Verification | None:
    """Return the last verification of a digest that a person began after a time."""
    return session.scalar(
        select(Verification)
        .where(
            Verification.digest == digest,
            Verification.started_at > started_after,
            ~Verification.verified_by.startswith(SCHEDULE_START),
        )
        .order_by(Verification.id.desc())
        .limit(1)
    )


def newest_of(session: Session, digests: Collection[str]) -> dict[str, Verification]:
    """Return the newest verification of each digest that has one."""
    last = (
        select(func.max(Verification.finished_at).label("at"), Verification.digest)
        .where(Verification.digest.in_(digests))
        .group_by(Verification.digest)
        .subquery()
    )
    rows = session.scalars(
        select(Verification)
        .join(
            last, (Verification.digest == last.c.digest) & (Verification.finished_at == last.c.at)
        )
        .order_by(Verification.id)
    )
    return {row.digest: row for row in rows}


def last(session: Session, digest: str, *, count: int) -> Sequence[Verification]:
    """Return the last verifications of a digest, newest first."""
    return page(session, digest, limit=count, cursor=None).rows


def page(session: Session, digest: str, *, limit: int, cursor: str | None) -> Page[Verification]:
    """Return the verifications of a digest, newest first."""
    query = select(Verification).where(Verification.digest == digest)
    return paged(session, query, Verification, limit=limit, cursor=cursor)
