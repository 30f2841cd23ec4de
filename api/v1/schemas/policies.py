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
    rules: dict[str, dict[str, float]] = Field(
        description="Filter to label to threshold: a score at or over it flags."
    )
    source: str = Field(description="The TOML text that was adopted.")


class FilterView(BaseModel):
    """A filter that scores every output."""

    name: str
    labels: dict[str, float] = Field(description="Label to threshold.")
    version: str | None = Field(description="Of its rules, when it last scored.")
    weights_digest: str | None = Field(description="sha256 of its weights, if it has any.")


class FiltersView(BaseModel):
    """Every filter in force. No parameter of a request switches one off."""

    policy_digest: str
    filters: list[FilterView]
