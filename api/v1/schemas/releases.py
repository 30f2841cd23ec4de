"""Releases: public facts only."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from registry.releases.model import ReleaseState


class ReleaseView(BaseModel):
    """A release."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["meta/llama-7b"])
    digest: str = Field(description="sha256 of the canonical manifest: the release's identity.")
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
