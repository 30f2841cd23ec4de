"""Jobs. What a caller gets of a job is ``registry.verdicts.view.JobView``."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.v1.schemas.fields import Name
from registry.jobs.states import JobState, OutputState


class JobSubmission(BaseModel):
    """A prompt, and how to generate. Types are strict: a number in quotes is no number."""

    model_config = ConfigDict(extra="forbid", strict=True)

    release: Name = Field(examples=["meta/llama-7b"])
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


class OutputProgress(BaseModel):
    """How far one output is; never its text."""

    index: int
    state: OutputState
    tokens: int | None = Field(description="Null until it is generated.")


class JobProgress(BaseModel):
    """How far a job is."""

    id: UUID
    state: JobState
    outputs: list[OutputProgress]
