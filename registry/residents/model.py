"""Releases in the memory of generating workers, as these last reported."""

from datetime import datetime

from sqlalchemy import BigInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registry.db.tables import Row


class ResidentRecord(Row):
    """One release in one worker, or on its way there."""

    __tablename__ = "residents"
    __table_args__ = (UniqueConstraint("worker", "digest"),)

    worker: Mapped[str] = mapped_column(String(100))
    digest: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger, comment="of memory, with its cache")
    is_loading: Mapped[bool]
    done_bytes: Mapped[int] = mapped_column(BigInteger, comment="read and verified")
    total_bytes: Mapped[int] = mapped_column(BigInteger, comment="of its files")
    seen_at: Mapped[datetime]
