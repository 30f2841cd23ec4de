"""Reviews of flagged outputs."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from registry.reviews.model import ReviewState, Severity
from registry.verdicts.view import FlagView, QuarantineView


class ReviewView(BaseModel):
    """A review, without any text."""

    id: UUID
    state: ReviewState
    severity: Severity = Field(description="Of the worst flag.")
    reviewers_needed: int = Field(description="How many people must say release.")
    released_by: list[str] = Field(description="Who has said release so far.")
    output_id: UUID
    job_id: UUID
    release: str
    researcher: str
    scores: dict[str, float]
    flagged_by: list[FlagView]
    noted: list[FlagView]
    prompt_flagged_by: list[FlagView] = Field(description="What was found in the prompt.")
    quarantines: list[QuarantineView] = Field(
        description="Times since it was generated in which its release's bytes were in doubt."
    )
    policy_digest: str | None
    opened_at: datetime
    claimed_by: str | None
    claimed_at: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    reason: str


class ReviewDetail(ReviewView):
    """A review with what the reviewer has to judge. Reading it is a ledger entry."""

    prompt: str
    text: str = Field(description="The flagged output, whole.")
