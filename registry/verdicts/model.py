"""Verdicts as they were given. Triggers in the database refuse to change or delete one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registry.db.tables import Row


class VerdictRecord(Row):
    """One screening of one output.

    ``outputs`` refers to it by ``(id, output_id)``, so no output can borrow another's verdict.
    """

    __tablename__ = "verdicts"
    __table_args__ = (UniqueConstraint("id", "output_id"),)

    output_id: Mapped[UUID]
    output_sha256: Mapped[str] = mapped_column(String(64), comment="of the text in UTF-8")
    release_digest: Mapped[str] = mapped_column(String(64))
    policy_digest: Mapped[str] = mapped_column(String(64))
    decision: Mapped[str] = mapped_column(String(20))
    scores: Mapped[dict[str, Any]]
    findings: Mapped[list[dict[str, Any]]]
    flagged_by: Mapped[list[dict[str, Any]]]
    noted: Mapped[list[dict[str, Any]]]
    filters: Mapped[list[dict[str, Any]]]
    windows: Mapped[int] = mapped_column(Integer)
    characters: Mapped[int] = mapped_column(Integer)
    given_at: Mapped[datetime]
