"""Releases and their files, what verifying them found, and when they were in quarantine."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from registry.db.tables import Row, stored_enum


class ReleaseState(StrEnum):
    """Where a release is in its life."""

    REGISTERED = "registered"
    VERIFIED = "verified"
    PUBLISHED = "published"
    QUARANTINED = "quarantined"
    WITHDRAWN = "withdrawn"


RELEASE_MOVES: dict[ReleaseState, frozenset[ReleaseState]] = {
    ReleaseState.REGISTERED: frozenset(
        {ReleaseState.VERIFIED, ReleaseState.QUARANTINED, ReleaseState.WITHDRAWN}
    ),
    ReleaseState.VERIFIED: frozenset(
        {ReleaseState.PUBLISHED, ReleaseState.QUARANTINED, ReleaseState.WITHDRAWN}
    ),
    ReleaseState.PUBLISHED: frozenset({ReleaseState.QUARANTINED, ReleaseState.WITHDRAWN}),
    # Out of quarantine through registry.releases.quarantine.lift alone.
    ReleaseState.QUARANTINED: frozenset(
        {ReleaseState.VERIFIED, ReleaseState.PUBLISHED, ReleaseState.WITHDRAWN}
    ),
    ReleaseState.WITHDRAWN: frozenset(),
}


class Release(Row):
    """A set of weights under a name; its digest is its identity.

    ``state`` is written by ``registry.releases.moves`` alone.
    """

    __tablename__ = "releases"

    name: Mapped[str] = mapped_column(String(128), unique=True)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    tensor_root: Mapped[str | None] = mapped_column(String(64))
    tensor_root_bf16: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[ReleaseState] = mapped_column(stored_enum(ReleaseState))
    state_reason: Mapped[str] = mapped_column(Text, default="")
    layout: Mapped[str] = mapped_column(String(20))
    context_tokens: Mapped[int] = mapped_column(Integer)
    license: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    registered_at: Mapped[datetime]
    moved_at: Mapped[datetime]


class ReleaseFile(Row):
    """One file of a release; its bytes are in the store under its sha256."""

    __tablename__ = "release_files"
    __table_args__ = (UniqueConstraint("release_id", "path"),)

    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"))
    path: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    blake3: Mapped[str] = mapped_column(String(64))


class ReleaseTensor(Row):
    """One tensor of a release in canonical form; ``registry.checkpoints.tensors`` says what it is.

    A release that is older than this table has none until it is verified.
    """

    __tablename__ = "release_tensors"
    __table_args__ = (UniqueConstraint("release_id", "position"),)

    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"))
    position: Mapped[int] = mapped_column(Integer, comment="in canonical order, from 0")
    name: Mapped[str] = mapped_column(Text)
    dtype: Mapped[str] = mapped_column(String(10))
    shape: Mapped[list[int]]
    sha256: Mapped[str] = mapped_column(String(64))
    bf16_sha256: Mapped[str] = mapped_column(String(64))


class Derivation(Row):
    """How the served files of a release were made of pickled originals.

    ``digest`` is the SHA-256 of the record in canonical form, which the ledger has too.
    """

    __tablename__ = "derivations"

    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"), unique=True)
    digest: Mapped[str] = mapped_column(String(64))
    evidence_digest: Mapped[str] = mapped_column(String(64))
    layout: Mapped[str] = mapped_column(String(20), comment="of the originals")
    converter: Mapped[str] = mapped_column(String(64))
    rules_version: Mapped[int] = mapped_column(Integer)
    notes: Mapped[list[str]]
    derived_at: Mapped[datetime]


class EvidenceFile(Row):
    """One original; its bytes are in the store under its sha256, and no worker gets them."""

    __tablename__ = "evidence_files"
    __table_args__ = (UniqueConstraint("derivation_id", "path"),)

    derivation_id: Mapped[UUID] = mapped_column(ForeignKey("derivations.id"))
    path: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    blake3: Mapped[str] = mapped_column(String(64))


class Verification(Row):
    """The stored bytes of a digest were read back and hashed; this was found.

    Triggers in the database refuse to change or delete it.
    """

    __tablename__ = "verifications"

    digest: Mapped[str] = mapped_column(String(64), index=True)
    verified_by: Mapped[str] = mapped_column(String(100))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    files: Mapped[int] = mapped_column(Integer, comment="that were there and were hashed")
    bytes_read: Mapped[int] = mapped_column(BigInteger)
    holds: Mapped[bool]
    problems: Mapped[list[str]]


class VerificationPass(Row):
    """A scheduled verification that is under way; it goes on where a stopped one ended."""

    __tablename__ = "verification_passes"

    digest: Mapped[str] = mapped_column(String(64), unique=True)
    holder: Mapped[str] = mapped_column(String(100))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    files_done: Mapped[int] = mapped_column(Integer, comment="in the order of the manifest")
    bytes_done: Mapped[int] = mapped_column(BigInteger)


class Quarantine(Row):
    """A time in which the bytes of a digest were in doubt, and how it ended.

    ``registry.releases.quarantine`` writes it.
    """

    __tablename__ = "quarantines"
    __table_args__ = (
        Index(
            "uq_quarantines_standing",
            "digest",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
        CheckConstraint(
            "lifted_at IS NULL OR (lifted_by IS NOT NULL AND verification_id IS NOT NULL "
            "AND lifted_by <> placed_by)",
            name="two_people_lift",
        ),
    )

    digest: Mapped[str] = mapped_column(String(64), index=True)
    placed_by: Mapped[str] = mapped_column(String(100))
    placed_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    stopped: Mapped[dict[str, Any]] = mapped_column(comment="name of a release: its state before")
    lifted_by: Mapped[str | None] = mapped_column(String(100))
    lifted_at: Mapped[datetime | None]
    lift_reason: Mapped[str] = mapped_column(Text, default="")
    verification_id: Mapped[UUID | None] = mapped_column(ForeignKey("verifications.id"))
