"""How far jobs are: states and numbers of tokens, never a text."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.orm import Session

from registry.jobs.model import Job, Output
from registry.jobs.states import JobState, OutputState


@dataclass(frozen=True, slots=True)
class OutputProgress:
    """How far one output is.

    Attributes:
        index: Which of the job's outputs it is, from 0.
        state: Whether anybody may read it.
        new_tokens: How many tokens it has so far; unset until its job is worked on.
    """

    index: int
    state: OutputState
    new_tokens: int | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one job is."""

    state: JobState
    outputs: tuple[OutputProgress, ...]


def note(session: Session, counts: Mapping[UUID, tuple[Job, Sequence[int]]]) -> None:
    """Write down how many tokens the outputs of jobs have, for those still under these leases.

    Args:
        session: A transaction.
        counts: By identifier, each job as its holder claimed it, with a number for each output.
    """
    held = exists().where(
        Job.id == Output.job_id,
        Job.fence == bindparam("of_fence"),
        Job.state == JobState.GENERATING,
    )
    session.connection().execute(
        update(Output)
        .where(Output.job_id == bindparam("of_job"), Output.index == bindparam("at"), held)
        .values(new_tokens=bindparam("count")),
        [
            {"of_job": job.id, "of_fence": job.fence, "at": index, "count": count}
            for job, each in counts.values()
            for index, count in enumerate(each)
        ],
    )


def of(session: Session, job_ids: Collection[UUID]) -> dict[UUID, Progress]:
    """Return how far each of these jobs is, with one query for all."""
    rows = session.execute(
        select(Job.id, Job.state, Output.index, Output.state, Output.new_tokens)
        .join(Output, Output.job_id == Job.id)
        .where(Job.id.in_(job_ids))
        .order_by(Job.id, Output.index)
    )
    states: dict[UUID, JobState] = {}
    outputs: dict[UUID, list[OutputProgress]] = {}
    for job_id, state, index, output_state, new_tokens in rows:
        states[job_id] = state
        outputs.setdefault(job_id, []).append(OutputProgress(index, output_state, new_tokens))
    return {each: Progress(states[each], tuple(outputs[each])) for each in states}
