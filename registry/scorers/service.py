"""Scoring workers report; others read who is alive, and who is out of service."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from registry.clock import now
from registry.db.session import lock
from registry.ledger import service as ledger
from registry.scorers.model import ScorerRecord, ScorerState

LIVE_SECONDS = 180
"""A worker that is silent for this long is taken for dead; a long check is no death."""

KEPT_DAYS = 1


def report(
    session: Session,
    *,
    worker: str,
    checked_at: datetime | None,
    reason: str | None = None,
    detail: str | None = None,
) -> None:
    """Write down that a scoring worker is alive, and whether it is in service.

    Args:
        session: An open transaction.
        worker: Its name.
        checked_at: When its canaries last passed.
        reason: Why it is out of service, one stable word; ``None`` while it is in service.
        detail: The same as a sentence.
    """
    lock(session, "corral.scorers")
    known = session.execute(
        select(ScorerRecord.id, ScorerRecord.reason).where(ScorerRecord.worker == worker)
    ).one_or_none()
    if reason is not None and (known is None or known.reason is None):
        ledger.record(
            session,
            actor=worker,
            action="scorer.out_of_service",
            subject=worker,
            reason=reason,
            detail=detail,
            passed_at=None if checked_at is None else checked_at.isoformat(),
        )
    found = {
        "state": ScorerState.IN_SERVICE if reason is None else ScorerState.OUT_OF_SERVICE,
        "reason": reason,
        "detail": detail,
        "checked_at": checked_at,
        "seen_at": now(),
    }
    if known is None:
        session.add(ScorerRecord(worker=worker, **found))
    else:
        session.execute(update(ScorerRecord).where(ScorerRecord.id == known.id).values(**found))


def leave(session: Session, *, worker: str) -> None:
    """Forget a worker that stops, and those that have been dead for a day."""
    long_ago = now() - timedelta(days=KEPT_DAYS)
    session.execute(
        delete(ScorerRecord).where(
            (ScorerRecord.worker == worker) | (ScorerRecord.seen_at < long_ago)
        )
    )


def live(session: Session) -> Sequence[ScorerRecord]:
    """Return the scoring workers that are alive."""
    query = select(ScorerRecord).where(ScorerRecord.seen_at > _oldest_live())
    return session.scalars(query.order_by(ScorerRecord.worker)).all()


def out_of_service(session: Session) -> Sequence[ScorerRecord]:
    """Return the scoring workers that are alive and may not release."""
    return [each for each in live(session) if each.state is not ScorerState.IN_SERVICE]


def count_by_state(session: Session) -> dict[ScorerState, int]:
    """Return how many live scoring workers are in each state."""
    found = session.execute(
        select(ScorerRecord.state, func.count())
        .where(ScorerRecord.seen_at > _oldest_live())
        .group_by(ScorerRecord.state)
    )
    counts = dict.fromkeys(ScorerState, 0)
    counts.update({row[0]: row[1] for row in found})
    return counts


def _oldest_live() -> datetime:
    return now() - timedelta(seconds=LIVE_SECONDS)
