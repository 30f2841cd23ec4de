"""Policies and filters."""

from datetime import datetime

from pydantic import BaseModel, Field


class PolicyView(BaseModel):
    """The policy in force."""

    name: str
    digest: str
    adopted_at: datetime
    adopted_by: str
    time_limit_seconds: float = Field(description="How long one filter may take for a batch.")
    second_reviews: float = Field(
        description="Share of reviews in which a release needs two reviewers."
    )
    prompts: str = Field(
        description="`note`, or `refuse`: nothing is generated from a prompt that is flagged."
    )
    rules: dict[str, dict[str, float]] = Field(
        description="Filter to label to threshold: a score at or over it counts."
    )
    actions: dict[str, dict[str, str]] = Field(
        description="Filter to label to what such a score does: `flag`, or `note` only."
    )
    severities: dict[str, dict[str, str]] = Field(
        description="Filter to label to `low`, `medium` or `high`."
    )
    source: str = Field(description="The TOML text that was adopted.")


class FilterView(BaseModel):
    """A filter that scores every output."""

    name: str
    labels: dict[str, float] = Field(description="Label to threshold.")
    noted: list[str] = Field(description="Labels that are noted and flag nothing.")
    version: str | None = Field(description="Of its rules, when it last scored.")
    weights_digest: str | None = Field(description="sha256 of its weights, if it has any.")


class FiltersView(BaseModel):
    """Every filter in force. No parameter of a request switches one off."""

    policy_digest: str
    filters: list[FilterView]
