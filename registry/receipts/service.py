"""Enrol the keys that sign, and sign a receipt for each verdict.

A worker enrols its key before it scores, so that the ledger says from when on a key counts.
The private keys are on the workers' machines and in no row.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.clock import now
from registry.db.session import lock
from registry.ledger import service as ledger
from registry.receipts import envelope as envelopes
from registry.receipts.model import Receipt, ReceiptKey
from registry.receipts.statement import Statement, sha256_of

KEY_FILE = "receipts.pem"


@dataclass(frozen=True, slots=True)
class Signer:
    """What a scoring worker signs with.

    Attributes:
        name: The worker's.
        key: Its private key, enrolled.
        canaries_passed_at: When its filters last proved that they see.
    """

    name: str
    key: Ed25519PrivateKey
    canaries_passed_at: datetime | None = None

    @property
    def key_id(self) -> str:
        """The name of the key."""
        return envelopes.key_id_of(self.key.public_key())


def enrol(session: Session, *, key: Ed25519PrivateKey, actor: str) -> ReceiptKey:
    """Write down the public half of a key; one that is known already stays as it is."""
    public = key.public_key()
    key_id = envelopes.key_id_of(public)
    lock(session, "corral.receipts.keys")
    known = session.scalar(select(ReceiptKey).where(ReceiptKey.key_id == key_id))
    if known is not None:
        return known
    entry_id = ledger.record(session, actor=actor, action="receipt_key.enrolled", subject=key_id)
    row = ReceiptKey(
        key_id=key_id, pem=envelopes.pem_of(public), enrolled_at=now(), entry_id=entry_id
    )
    session.add(row)
    session.flush()
    return row


def record(session: Session, statements: Sequence[Statement], *, signer: Signer) -> list[Receipt]:
    """Sign what each statement says, in the transaction that gives the verdicts.

    The database refuses a key that is not enrolled.
    """
    rows = [_signed(each, signer) for each in statements]
    session.add_all(rows)
    session.flush()
    return rows


def _signed(statement: Statement, signer: Signer) -> Receipt:
    payload = statement.to_bytes()
    signed = envelopes.sign(payload, signer.key)
    return Receipt(
        output_id=UUID(statement.predicate.output),
        verdict_id=UUID(statement.predicate.verdict),
        key_id=signed.key_id,
        payload=payload.decode(),
        payload_sha256=sha256_of(payload),
        signature=base64.b64encode(signed.signature).decode(),
        signed_at=now(),
    )
