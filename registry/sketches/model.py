"""Sketches of sealed outputs, and the index in which near-copies meet.

What a signature, a slot and a band is, ``filters.sketches`` decides; here they are bytes and
numbers.
"""

from uuid import UUID

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Table, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from registry.db.tables import Row


class SketchRecord(Row):
    """The sketch of one output, made when it was sealed; its identifier tells when."""

    __tablename__ = "sketches"

    output_id: Mapped[UUID] = mapped_column(ForeignKey("outputs.id"), unique=True)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    slots: Mapped[bytes] = mapped_column(LargeBinary)


BANDS = Table(
    "sketch_bands",
    Row.metadata,
    Column("account_id", Uuid(), ForeignKey("accounts.id"), primary_key=True),
    Column("band", BigInteger(), primary_key=True, autoincrement=False),
    Column("sketch_id", Uuid(), ForeignKey("sketches.id"), primary_key=True),
    sqlite_with_rowid=False,
)
"""Which sketches of a researcher have a band: one range of the key for each question.

A table of three columns that are its key, so no rows with an identifier of their own.
"""
