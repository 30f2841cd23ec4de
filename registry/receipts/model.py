"""Receipts as they were signed, and the keys that sign them. Both are append-only."""

import base64
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registry.db.tables import Row
from registry.receipts.envelope import Envelope


class ReceiptKey(Row):
    """A public key that a scoring worker signs with; ``entry_id`` is the ledger's entry of it."""

    __tablename__ = "receipt_keys"

    key_id: Mapped[str] = mapped_column(String(64), unique=True)
    pem: Mapped[str] = mapped_column(Text)
    enrolled_at: Mapped[datetime]
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_entries.id"))


class Receipt(Row):
    """The receipt of one verdict.

    ``outputs`` refers to it by ``(id, output_id)``, so no output can borrow another's.
    """

    __tablename__ = "receipts"
    __table_args__ = (
        UniqueConstraint("verdict_id"),
        UniqueConstraint("id", "output_id"),
        ForeignKeyConstraint(["verdict_id", "output_id"], ["verdicts.id", "verdicts.output_id"]),
    )

    output_id: Mapped[UUID]
    verdict_id: Mapped[UUID]
    key_id: Mapped[str] = mapped_column(ForeignKey("receipt_keys.key_id"))
    payload: Mapped[str] = mapped_column(Text, comment="canonical JSON, as it was signed")
    payload_sha256: Mapped[str] = mapped_column(String(64))
    signature: Mapped[str] = mapped_column(String(88), comment="Ed25519, base64")
    signed_at: Mapped[datetime]

    @property
    def envelope(self) -> Envelope:
        """The signed envelope, from what is stored."""
        return Envelope(self.payload.encode(), self.key_id, base64.b64decode(self.signature))
