"""Adopted policies."""

from datetime import datetime

from sqlalchemy import Float, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from registry.db.tables import Row


class PolicyRecord(Row):
    """A policy as it was adopted; the newest row is in force."""

    __tablename__ = "policies"

    name: Mapped[str] = mapped_column(String(100))
    digest: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(Text, comment="the TOML text")
    second_reviews: Mapped[float] = mapped_column(
        Float, comment="share of reviews in which a release needs two reviewers"
    )
    refuses_prompts: Mapped[bool] = mapped_column(
        comment="whether nothing is generated from a prompt that the rules flag"
    )
    adopted_at: Mapped[datetime]
    adopted_by: Mapped[str] = mapped_column(String(64))
