"""Jobs. What a caller gets of a job is ``registry.verdicts.view.JobView``."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.v1.schemas.fields import Name
from registry.jobs.states import JobState, OutputState


class PromptSubmission(BaseModel):
    """A prompt, and how to generate. Types are strict: a number in quotes is no number."""

    model_config = ConfigDict(extra="forbid", strict=True)

    prompt: str = Field(examples=["The history of the lighthouse"])
    max_new_tokens: int = Field(default=64, description="Most tokens of each output.")
    temperature: float = Field(default=0.8, allow_inf_nan=False, description="0 is greedy.")
    top_p: float = Field(default=0.95, allow_inf_nan=False)
    top_k: int = Field(default=0, description="0 takes all tokens into account.")
    seed: int | None = Field(default=None, description="Drawn at random when it is left out.")
    n: int = Field(default=1, description="Number of outputs.")
    stop: list[str] = Field(default=[], description="An output ends before any of these.")
    echo: bool = Field(
        default=False, description="Outputs begin with the prompt and are scored as a whole."
    )


class JobSubmission(PromptSubmission):
    """A prompt for a release, and how to generate."""

    release: Name = Field(examples=["meta/llama-7b"])


class BulkLine(PromptSubmission):
    """One line of a bulk. The release is named once, for all lines."""

    custom_id: str = Field(
        min_length=1,
        max_length=128,
        description="Your name for this line, which no other line has.",
        examples=["prompt-0001"],
    )


class BulkView(BaseModel):
    """Many jobs that were submitted at once."""

    id: UUID
    release: str
    release_digest: str
    jobs: int
    counts: dict[JobState, int] = Field(description="How many jobs are in each state.")
    lines_sha256: str = Field(description="sha256 of the lines as they came.")
    created_at: datetime
    finished_at: datetime | None = Field(description="When the last job ended, once all have.")


class OutputProgress(BaseModel):
    """How far one output is; never its text."""

    index: int
    state: OutputState
    tokens: int | None = Field(
        description="New tokens so far, counted about once a second; null until it is worked on."
    )


class JobProgress(BaseModel):
    """How far a job is."""

    id: UUID
    state: JobState
    outputs: list[OutputProgress]
