"""Reviews of flagged outputs."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from registry.db.tables import Row, stored_enum


class ReviewState(StrEnum):
    """Where a review is."""

    OPEN = "open"
    CLAIMED = "claimed"
    RELEASED = "released"
    WITHHELD = "withheld"


class Review(Row):
    """A flagged output waits for a person's decision.

    ``state`` is written by ``registry.reviews.service`` alone.
    """

    __tablename__ = "reviews"

    output_id: Mapped[UUID] = mapped_column(ForeignKey("outputs.id"), unique=True)
    state: Mapped[ReviewState] = mapped_column(stored_enum(ReviewState), index=True)
    opened_at: Mapped[datetime]
    claimed_by: Mapped[str | None] = mapped_column(String(64))
    claimed_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")
