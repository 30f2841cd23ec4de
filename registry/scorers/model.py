"""The scoring workers that are, or were lately, at work."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from registry.db.tables import Row, stored_enum


class ScorerState(StrEnum):
    """Whether a scoring worker may release."""

    IN_SERVICE = "in_service"
    OUT_OF_SERVICE = "out_of_service"


class ScorerRecord(Row):
    """One scoring worker, as it last reported.

    A worker that goes out of service stays so until it is started again.
    """

    __tablename__ = "scorers"

    worker: Mapped[str] = mapped_column(String(100), unique=True)
    state: Mapped[ScorerState] = mapped_column(stored_enum(ScorerState))
    reason: Mapped[str | None] = mapped_column(String(40), comment="a stable word")
    detail: Mapped[str | None] = mapped_column(Text, comment="a sentence; never a text")
    checked_at: Mapped[datetime | None] = mapped_column(comment="its canaries last passed")
    seen_at: Mapped[datetime]
