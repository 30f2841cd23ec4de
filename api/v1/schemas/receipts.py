"""Receipts, as they are handed out."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from registry.verdicts.view import QuarantineView


class SignatureView(BaseModel):
    """One signature of a DSSE envelope."""

    keyid: str = Field(description="sha256 of the public key, as SubjectPublicKeyInfo in DER.")
    sig: str = Field(description="Ed25519, base64.")


class PlaceView(BaseModel):
    """An entry of the ledger, and the proof that it is in the tree (RFC 6962)."""

    index: int
    entry: dict[str, Any]
    proof: list[str] = Field(description="Hashes in hex, from the leaf up to the root.")


class LedgerPart(BaseModel):
    """What the ledger says about the output, and the signed checkpoint of its tree."""

    checkpoint: str
    entries: list[PlaceView]


class ReceiptView(BaseModel):
    """A signed receipt: a DSSE envelope, with the ledger's proof beside it."""

    payload: str = Field(description="The statement, canonical JSON (RFC 8785), base64.")
    payload_type: str = Field(alias="payloadType", examples=["application/vnd.in-toto+json"])
    signatures: list[SignatureView]
    quarantines: list[QuarantineView] = Field(
        description="Not signed: times since the output was generated in which the bytes of its "
        "release were in doubt; the ledger has their entries."
    )
    ledger: LedgerPart | None = Field(
        description="Null until the schedule has given the verdict's entry its place."
    )


class ReceiptKeyView(BaseModel):
    """A public key that signs receipts here."""

    key_id: str
    pem: str
    enrolled_at: datetime
    enrolled_by_entry: str = Field(description="Identifier of the ledger's entry.")
