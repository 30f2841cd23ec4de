"""Releases: public facts only."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from registry.db.session import Session
from registry.jobs.depths import depths
from registry.jobs.lanes import Lane
from registry.releases import verifications
from registry.releases.model import Release, ReleaseState, Verification


class VerificationView(BaseModel):
    """The stored bytes of a release were read back and hashed."""

    model_config = ConfigDict(from_attributes=True)

    started_at: datetime
    finished_at: datetime
    verified_by: str
    files: int = Field(description="That were there and were hashed.")
    bytes_read: int
    holds: bool = Field(description="Whether every byte is as registered.")
    problems: list[str] = Field(description="One sentence for each file that is not.")


class DepthView(BaseModel):
    """How many unfinished jobs of a release are where, in one lane."""

    model_config = ConfigDict(from_attributes=True)

    held: int = Field(description="Wait for their turn.")
    queued: int = Field(description="Wait for a worker that generates.")
    generating: int
    scoring: int = Field(description="Wait to be scored, or are being scored.")


class ReleaseView(BaseModel):
    """A release."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["meta/llama-7b"])
    digest: str = Field(description="sha256 of the canonical manifest: the release's identity.")
    tensor_root: str | None = Field(
        description="Identity of the weights in any layout; null until the release is verified, "
        "if it is older than tensor roots."
    )
    tensor_root_bf16: str | None = Field(description="Likewise, after rounding to bfloat16.")
    state: ReleaseState
    state_reason: str
    layout: str
    context_tokens: int = Field(description="Prompt and new tokens together fit into this.")
    license: str
    source: str
    registered_at: datetime
    moved_at: datetime
    last_verified: VerificationView | None = Field(
        default=None, description="When its stored bytes were last read back; null if never."
    )


class FileView(BaseModel):
    """One file of a release."""

    model_config = ConfigDict(from_attributes=True)

    path: str
    size: int
    sha256: str
    blake3: str | None


class ManifestView(BaseModel):
    """The files of a release."""

    release: str
    digest: str
    total_bytes: int
    files: list[FileView]


class SignatureView(BaseModel):
    """That a release was signed."""

    model_config = ConfigDict(from_attributes=True)

    key: str = Field(description="sha256 of the public key's PEM text.")
    hash_type: str = Field(examples=["sha256"])
    shard_size: int | None = Field(description="In bytes; null where files are signed whole.")
    signed_at: str


class SignaturesView(BaseModel):
    """Who signed a release, and how others verify it."""

    release: str
    digest: str
    signatures: list[SignatureView]
    verify_command: str | None = Field(
        description="Verifies an exported folder; null if it is not signed so that this could.",
        examples=["model_signing verify key tiny --signature model.sig --public_key key.pub"],
    )


class TensorView(BaseModel):
    """One tensor of a release, by its name and in the order of Meta's layout."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    dtype: str
    shape: list[int]
    sha256: str = Field(description="Of the elements as stored: rows first, little-endian.")
    bf16_sha256: str = Field(description="Of the elements after rounding to bfloat16.")


class TensorsView(BaseModel):
    """The tensors of a release, in canonical order: the leaves of its tensor root."""

    release: str
    digest: str
    tensor_root: str | None
    tensor_root_bf16: str | None
    tensors: list[TensorView]


def views_of(session: Session, rows: Sequence[Release]) -> list[ReleaseView]:
    """Return what everybody may know of releases."""
    newest = verifications.newest_of(session, {row.digest for row in rows})
    return [
        ReleaseView.model_validate(row).model_copy(
            update={"last_verified": _verification(newest.get(row.digest))}
        )
        for row in rows
    ]


def queues_of(session: Session, rows: Sequence[Release]) -> list[dict[Lane, DepthView]]:
    """Return how deep the queues of releases are, by lane."""
    found = depths(session, [row.id for row in rows])
    return [
        {lane: DepthView.model_validate(depth) for lane, depth in found[row.id].items()}
        for row in rows
    ]


def _verification(row: Verification | None) -> VerificationView | None:
    return None if row is None else VerificationView.model_validate(row)
