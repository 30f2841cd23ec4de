"""Read verdicts: how outputs fared, and what scored last."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.jobs.states import OutputState
from registry.ledger import queries as ledger
from registry.reviews.model import Review, ReviewState
from registry.verdicts.model import VerdictRecord


def count_outputs(session: Session) -> dict[OutputState, int]:
    """Return how many outputs were released, were withheld, and are flagged now.

    Released and withheld ones are counted as the ledger is sequenced, since they may be millions.
    """
    decided = ledger.tallies(session)
    undecided = Review.state.in_((ReviewState.OPEN, ReviewState.CLAIMED))
    return {
        OutputState.RELEASED: decided.get(f"output.{OutputState.RELEASED}", 0),
        OutputState.WITHHELD: decided.get(f"output.{OutputState.WITHHELD}", 0),
        OutputState.FLAGGED: session.scalar(select(func.count()).where(undecided)) or 0,
    }


def newest(session: Session) -> VerdictRecord | None:
    """Return the newest verdict, or ``None`` before the first."""
    return session.scalar(select(VerdictRecord).order_by(VerdictRecord.id.desc()).limit(1))
