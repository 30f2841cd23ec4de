"""The ledger, as auditors read it."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field


class EntryView(BaseModel):
    """One entry.

    ``id``, ``recorded_at``, ``actor``, ``action``, ``subject`` and ``facts``, as JSON with
    sorted keys and no spaces in UTF-8, are the bytes whose RFC 6962 leaf hash is in the tree.
    """

    id: UUID
    recorded_at: str = Field(examples=["2026-01-31T12:00:00.000000+00:00"])
    actor: str
    action: str = Field(examples=["job.submitted"])
    subject: str
    facts: dict[str, Any]
    index: int | None = Field(description="Its place in the tree; null until it has one.")


class LedgerKeyView(BaseModel):
    """What verifies checkpoints."""

    origin: str
    vkey: str = Field(description="Verifier key, as c2sp.org/signed-note writes it.")


class InclusionView(BaseModel):
    """The proof that a leaf is in a tree (RFC 6962, section 2.1.1); hashes in hex."""

    index: int
    size: int
    leaf_hash: str
    proof: list[str]


class ConsistencyView(BaseModel):
    """The proof that one tree is the beginning of another (RFC 6962, section 2.1.2)."""

    first: int = Field(serialization_alias="from")
    second: int = Field(serialization_alias="to")
    proof: list[str]
