"""Verdicts on prompts as they were given. Triggers in the database refuse to change or delete one.

A prompt is screened once under each policy; the job that it belongs to holds its text.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registry.db.tables import Row


class PromptVerdict(Row):
    """One screening of one job's prompt."""

    __tablename__ = "prompt_verdicts"
    __table_args__ = (UniqueConstraint("job_id", "policy_digest"),)

    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"))
    prompt_sha256: Mapped[str] = mapped_column(String(64), comment="of the prompt in UTF-8")
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
