"""Entries, the leaves that put them in order, and the heads of the tree.

All three are append-only: triggers in the database refuse every update and delete.
Two tables are the sequencer's own: ``PendingEntry``, its to-do list, and ``TALLIES``.
"""

import json
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, Text
from sqlalchemy.orm import Mapped, mapped_column

from registry.db.tables import Row
from registry.ledger.canonical import canonical_json


class Entry(Row):
    """One decision: who did what to which thing, when and why."""

    __tablename__ = "ledger_entries"

    recorded_at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(50))
    subject: Mapped[str] = mapped_column(String(200), index=True)
    facts: Mapped[str] = mapped_column(Text, comment="canonical JSON; digests, never texts")

    def canonical(self) -> bytes:
        """Return the bytes whose hash is this entry's leaf."""
        return canonical_json(
            {
                "id": str(self.id),
                "recorded_at": self.recorded_at.isoformat(timespec="microseconds"),
                "actor": self.actor,
                "action": self.action,
                "subject": self.subject,
                "facts": json.loads(self.facts),
            }
        )


class PendingEntry(Row):
    """An entry that has no place in the tree yet; ``id`` is the entry's."""

    __tablename__ = "ledger_pending"

    id: Mapped[UUID] = mapped_column(ForeignKey("ledger_entries.id"), primary_key=True)


class Leaf(Row):
    """The place of an entry in the tree; ``id`` is the entry's."""

    __tablename__ = "ledger_leaves"

    id: Mapped[UUID] = mapped_column(ForeignKey("ledger_entries.id"), primary_key=True)
    index: Mapped[int] = mapped_column(Integer, unique=True)
    leaf_hash: Mapped[str] = mapped_column(String(64))


class Head(Row):
    """The tree after one run of the sequencer."""

    __tablename__ = "ledger_heads"

    size: Mapped[int] = mapped_column(Integer, unique=True)
    root: Mapped[str] = mapped_column(String(64))
    frontier: Mapped[str] = mapped_column(Text, comment="what appending needs: RFC 6962 subtrees")
    made_at: Mapped[datetime]


TALLIES = Table(
    "ledger_tallies",
    Row.metadata,
    Column("action", String(50), primary_key=True),
    Column("entries", BigInteger(), nullable=False, comment="that have a place in the tree"),
)
"""How many entries there are of each action, so that nobody counts millions of rows."""
