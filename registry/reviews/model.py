"""Reviews of flagged outputs, and what each reviewer said."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registry.db.tables import Row, stored_enum


class ReviewState(StrEnum):
    """Where a review is."""

    OPEN = "open"
    CLAIMED = "claimed"
    RELEASED = "released"
    WITHHELD = "withheld"


class Severity(StrEnum):
    """How bad the worst flag is; reviewers see the worst first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Review(Row):
    """A flagged output waits for a person's decision, or for two.

    ``state`` is written by ``registry.reviews.service`` alone.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        Index("ix_reviews_state_severity_id", "state", "severity", "id"),
        Index("ix_reviews_severity_id", "severity", "id"),
    )

    output_id: Mapped[UUID] = mapped_column(ForeignKey("outputs.id"), unique=True)
    state: Mapped[ReviewState] = mapped_column(stored_enum(ReviewState))
    severity: Mapped[Severity] = mapped_column(stored_enum(Severity))
    reviewers_needed: Mapped[int] = mapped_column(
        Integer, comment="how many people must say release"
    )
    opened_at: Mapped[datetime]
    claimed_by: Mapped[str | None] = mapped_column(String(64))
    claimed_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")


class ReviewDecision(Row):
    """What one reviewer said. Triggers in the database refuse to change or delete it.

    The database refuses the same decision of the same person on the same output twice.
    """

    __tablename__ = "review_decisions"
    __table_args__ = (UniqueConstraint("review_id", "decided_by", "decision"),)

    review_id: Mapped[UUID] = mapped_column(ForeignKey("reviews.id"))
    decision: Mapped[ReviewState] = mapped_column(stored_enum(ReviewState))
    decided_by: Mapped[str] = mapped_column(String(64))
    decided_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
