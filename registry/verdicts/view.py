"""What a researcher sees of a job.

Invariant: the text of an output reaches a researcher through ``views_of`` and through
nothing else, ``result_lines`` included; it is ``None`` unless the output is released.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from registry.jobs.model import Job, Output
from registry.jobs.states import JobState, OutputState
from registry.prompts import service as prompts
from registry.prompts.model import PromptVerdict
from registry.releases import quarantine
from registry.releases.model import Quarantine, Release
from registry.verdicts.model import VerdictRecord

# Asked with every submission and every look at a job, so made once.
_NAMES = select(Release.id, Release.name).where(
    Release.id.in_(bindparam("of_releases", expanding=True))
)
_OUTPUTS = (
    select(Output, VerdictRecord)
    .outerjoin(VerdictRecord, VerdictRecord.id == Output.verdict_id)
    .where(Output.job_id.in_(bindparam("of_jobs", expanding=True)))
    .order_by(Output.index)
)


class ParametersView(BaseModel):
    """How a job was asked to generate."""

    max_new_tokens: int
    temperature: float
    top_p: float
    top_k: int
    seed: int
    n: int
    stop: list[str]
    echo: bool


class FlagView(BaseModel):
    """A label over its threshold: why an output was flagged, or what was noted about it."""

    filter: str
    label: str
    score: float
    threshold: float
    count: int = 1
    severity: str = "medium"


class VerdictView(BaseModel):
    """What screened an output."""

    id: UUID
    decision: str
    policy_digest: str
    output_sha256: str
    filters: list[dict[str, Any]]
    windows: int
    characters: int
    given_at: datetime


class QuarantineView(BaseModel):
    """A time in which the bytes of a release were in doubt; it lasts until it is lifted."""

    model_config = ConfigDict(from_attributes=True)

    placed_at: datetime
    reason: str
    lifted_at: datetime | None


class OutputView(BaseModel):
    """One output; ``text`` only once it is released; ``receipt`` is where its receipt is.

    ``quarantines`` marks what was generated with bytes that were in doubt then, or since.
    """

    id: UUID
    index: int
    state: OutputState
    text: str | None
    finish_reason: str | None
    tokens: int | None
    scores: dict[str, float]
    flagged_by: list[FlagView]
    noted: list[FlagView]
    verdict: VerdictView | None
    receipt: str | None
    quarantines: list[QuarantineView]


class FailureView(BaseModel):
    """Why a job failed."""

    code: str
    detail: str


class JobView(BaseModel):
    """One job with its outputs; of a bulk, where it came in one.

    ``quarantine`` is the one that its release is in now.
    """

    id: UUID
    bulk_id: UUID | None
    custom_id: str | None
    release: str
    release_digest: str
    state: JobState
    prompt: str
    parameters: ParametersView
    created_at: datetime
    finished_at: datetime | None
    failure: FailureView | None
    quarantine: QuarantineView | None
    prompt_scores: dict[str, float]
    prompt_flagged_by: list[FlagView]
    prompt_noted: list[FlagView]
    outputs: list[OutputView]


def views_of(session: Session, jobs: Sequence[Job]) -> list[JobView]:
    """Return the views of jobs, with five queries however many there are."""
    names = {
        row.id: row.name
        for row in session.execute(_NAMES, {"of_releases": list({job.release_id for job in jobs})})
    }
    rows = session.execute(_OUTPUTS, {"of_jobs": [each.id for each in jobs]})
    doubts = quarantine.of_digests(session, {each.release_digest for each in jobs})
    digests = {each.id: each.release_digest for each in jobs}
    outputs: dict[UUID, list[OutputView]] = defaultdict(list)
    for output, verdict in rows:
        marks = quarantine.since(output.generated_at, doubts[digests[output.job_id]])
        outputs[output.job_id].append(_output(output, verdict, marks))
    on_prompts = prompts.newest(session, [each.id for each in jobs])
    return [
        _job(
            job,
            names[job.release_id],
            outputs[job.id],
            on_prompts.get(job.id),
            [each for each in doubts[job.release_digest] if each.lifted_at is None],
        )
        for job in jobs
    ]


def view_of(session: Session, job: Job) -> JobView:
    """Return the view of one job."""
    return views_of(session, [job])[0]


def result_lines(session: Session, jobs: Sequence[Job]) -> list[str]:
    """Return a line of JSON for each job of a bulk: what became of it, without its prompt."""
    return [
        view.model_dump_json(
            include={"custom_id", "id", "state", "failure", "outputs"},
            exclude={"outputs": {"__all__": {"verdict"}}},
        )
        for view in views_of(session, jobs)
    ]


def _job(
    job: Job,
    release: str,
    outputs: list[OutputView],
    on_prompt: PromptVerdict | None,
    standing: Sequence[Quarantine],
) -> JobView:
    failure = None
    if job.failure_code is not None:
        failure = FailureView(code=job.failure_code, detail=job.failure_detail or "")
    return JobView(
        id=job.id,
        bulk_id=job.bulk_id,
        custom_id=job.custom_id,
        release=release,
        release_digest=job.release_digest,
        state=job.state,
        prompt=job.prompt,
        parameters=ParametersView(
            max_new_tokens=job.max_new_tokens,
            temperature=job.temperature,
            top_p=job.top_p,
            top_k=job.top_k,
            seed=job.seed,
            n=job.n,
            stop=job.stop,
            echo=job.echo,
        ),
        created_at=job.created_at,
        finished_at=job.finished_at,
        failure=failure,
        quarantine=QuarantineView.model_validate(standing[0]) if standing else None,
        prompt_scores=on_prompt.scores if on_prompt else {},
        prompt_flagged_by=_flags(on_prompt.flagged_by) if on_prompt else [],
        prompt_noted=_flags(on_prompt.noted) if on_prompt else [],
        outputs=outputs,
    )


def _output(
    output: Output, verdict: VerdictRecord | None, marks: Sequence[Quarantine]
) -> OutputView:
    return OutputView(
        id=output.id,
        index=output.index,
        state=output.state,
        text=output.released_text,
        finish_reason=output.finish_reason,
        tokens=output.new_tokens,
        scores=verdict.scores if verdict else {},
        flagged_by=_flags(verdict.flagged_by) if verdict else [],
        noted=_flags(verdict.noted) if verdict else [],
        verdict=VerdictView.model_validate(verdict, from_attributes=True) if verdict else None,
        receipt=f"/v1/outputs/{output.id}/receipt" if output.receipt_id else None,
        quarantines=[QuarantineView.model_validate(each) for each in marks],
    )


def _flags(stored: Sequence[dict[str, Any]]) -> list[FlagView]:
    return [FlagView.model_validate(each) for each in stored]
