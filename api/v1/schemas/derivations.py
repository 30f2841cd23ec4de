"""How the files of a release were made."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from api.v1.schemas.releases import DepthView, FileView, ReleaseView
from registry.checkpoints.manifest import Manifest
from registry.jobs.lanes import Lane
from registry.releases.model import Derivation


class DerivationView(BaseModel):
    """Which originals, by which rules, became the files of a release."""

    digest: str = Field(description="sha256 of this record in canonical form, as in the ledger.")
    evidence_digest: str = Field(description="sha256 of the canonical manifest of the originals.")
    layout: str = Field(description="How the originals were arranged.", examples=["meta"])
    converter: str = Field(examples=["corral 0.1.0"])
    rules_version: int = Field(description="The same originals under the same rules: same bytes.")
    notes: list[str] = Field(description="What was left out or chosen.")
    derived_at: datetime
    inputs: list[FileView] = Field(description="The originals; kept, and never served.")
    outputs: list[FileView] = Field(description="What is served; also an input if carried over.")

    @classmethod
    def of(cls, row: Derivation, *, evidence: Manifest, served: Manifest) -> Self:
        """Return the record with its files."""
        return cls(
            digest=row.digest,
            evidence_digest=row.evidence_digest,
            layout=row.layout,
            converter=row.converter,
            rules_version=row.rules_version,
            notes=row.notes,
            derived_at=row.derived_at,
            inputs=[FileView.model_validate(each) for each in evidence.files],
            outputs=[FileView.model_validate(each) for each in served.files],
        )


class ReleaseDetailView(ReleaseView):
    """A release, how its files were made, and how many jobs wait for it."""

    queues: dict[Lane, DepthView] = Field(description="Its unfinished jobs, by lane.")
    derivation: DerivationView | None = Field(
        default=None, description="null where the files are served as they were registered."
    )

    @classmethod
    def of(
        cls,
        shown: ReleaseView,
        *,
        queues: dict[Lane, DepthView],
        derivation: DerivationView | None,
    ) -> Self:
        """Return a release with its queues and its derivation record."""
        return cls(**shown.model_dump(), queues=queues, derivation=derivation)
