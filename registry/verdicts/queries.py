"""Read verdicts: how outputs fared, and what scored last."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.jobs.model import Output
from registry.jobs.states import OutputState
from registry.verdicts.model import VerdictRecord


def count_outputs(session: Session) -> dict[OutputState, int]:
    """Return how many outputs are in each state."""
    found = session.execute(select(Output.state, func.count()).group_by(Output.state))
    counts = dict.fromkeys(OutputState, 0)
    counts.update({row[0]: row[1] for row in found})
    return counts


def newest(session: Session) -> VerdictRecord | None:
    """Return the newest verdict, or ``None`` before the first."""
    return session.scalar(select(VerdictRecord).order_by(VerdictRecord.id.desc()).limit(1))
