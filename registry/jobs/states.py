"""The states of a job and of an output, and the moves between them."""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    GENERATING = "generating"
    SCORING = "scoring"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class OutputState(StrEnum):
    """Whether anybody may read an output."""

    PENDING = "pending"
    RELEASED = "released"
    FLAGGED = "flagged"
    WITHHELD = "withheld"


_ENDINGS = frozenset({JobState.FAILED, JobState.CANCELLED})

MOVES: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: _ENDINGS | {JobState.GENERATING},
    JobState.GENERATING: _ENDINGS | {JobState.SCORING, JobState.QUEUED},
    JobState.SCORING: _ENDINGS | {JobState.DONE},
    JobState.DONE: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}

OUTPUT_MOVES: dict[OutputState, frozenset[OutputState]] = {
    OutputState.PENDING: frozenset({OutputState.RELEASED, OutputState.FLAGGED}),
    OutputState.FLAGGED: frozenset({OutputState.RELEASED, OutputState.WITHHELD}),
    OutputState.RELEASED: frozenset(),
    OutputState.WITHHELD: frozenset(),
}


def may_move(start: JobState, end: JobState) -> bool:
    """Return whether the table has a move from ``start`` to ``end``."""
    return end in MOVES[start]


def is_final(state: JobState) -> bool:
    """Return whether nothing more happens to a job in this state."""
    return not MOVES[state]
