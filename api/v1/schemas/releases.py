"""Releases: public facts only."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from registry.releases.model import ReleaseState


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
