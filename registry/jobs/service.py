"""Submit, advance, seal, cancel. Every state of a job or an output is moved here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Integer, bindparam, select, update
from sqlalchemy.orm import Session

from registry.access.gate import admit
from registry.access.model import Scope
from registry.accounts.model import Account
from registry.clock import now
from registry.errors import JobMoved, OutputMoved, UnknownOutput
from registry.jobs.intake import Line, make_jobs
from registry.jobs.model import Job, Output
from registry.jobs.parameters import Parameters
from registry.jobs.states import OUTPUT_MOVES, JobState, OutputState, is_final, may_move
from registry.ledger import service as ledger
from registry.releases.model import Release

# These run several times for each job: made once, and what a row becomes comes back with the
# move, so that nothing is read twice.
_MOVE = (
    update(Job)
    .where(
        Job.id == bindparam("of_job"),
        Job.state == bindparam("start"),
        Job.fence == bindparam("of_fence"),
    )
    .values(
        state=bindparam("to"),
        moved_at=bindparam("at"),
        finished_at=bindparam("ended"),
        failure_code=bindparam("code"),
        failure_detail=bindparam("detail"),
        fence=Job.fence + bindparam("taken", type_=Integer()),
        attempts=bindparam("tried"),
        lease_owner=bindparam("owner"),
        leased_until=bindparam("until"),
        sends=0,
        send_again_at=bindparam("send_at"),
    )
    .returning(Job)
    .execution_options(synchronize_session=False, populate_existing=True)
)
_MOVE_OUTPUT = (
    update(Output)
    .where(Output.id == bindparam("of_output"), Output.state == bindparam("start"))
    .values(
        state=bindparam("to"),
        verdict_id=bindparam("verdict"),
        receipt_id=bindparam("receipt"),
    )
    .returning(Output)
    .execution_options(synchronize_session=False, populate_existing=True)
)
_OUTPUTS = select(Output).where(Output.job_id == bindparam("of_job")).order_by(Output.index)


@dataclass(frozen=True, slots=True)
class Lease:
    """Who takes a job, and until when.

    Attributes:
        owner: The worker's name.
        until: When it runs out, unless it is renewed.
    """

    owner: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Generated:
    """What the engine made of one output.

    Attributes:
        text: What will be scored and stored, character for character.
        token_ids: The new tokens, without the prompt's.
        finish_reason: Why it ended: "stop", "length" or "end".
    """

    text: str
    token_ids: tuple[int, ...]
    finish_reason: str


def submit(
    session: Session, *, account: Account, release: Release, prompt: str, parameters: Parameters
) -> Job:
    """Accept a job with its empty outputs. The caller has checked prompt and parameters.

    Raises:
        Refused: ``admit`` says no; the error says why and what to do next.
    """
    approval = admit(session, account_id=account.id, release_id=release.id, scope=Scope.GENERATE)
    [identifier] = make_jobs(
        session, account=account, release=release, lines=[Line(prompt, parameters)]
    )
    job = session.get_one(Job, identifier)
    ledger.record(
        session,
        actor=account.handle,
        action="job.submitted",
        subject=str(job.id),
        digest=release.digest,
        approval=str(approval.id),
    )
    return job


def advance(
    session: Session,
    job: Job,
    *,
    to: JobState,
    actor: str,
    code: str | None = None,
    detail: str | None = None,
    lease: Lease | None = None,
) -> None:
    """Move a job one step, drop or take its lease, and write the step to the ledger.

    The move is a compare-and-swap on the state and the fence that the caller saw, so of two
    workers holding the same job exactly one succeeds, on SQLite and PostgreSQL alike. A lease
    that is taken raises the fence and counts as an attempt.

    Raises:
        JobMoved: There is no such move, or the job has already moved on.
    """
    start, name, at = job.state, str(job.id), now()
    taken = int(lease is not None)
    move = {
        "of_job": job.id,
        "start": start,
        "of_fence": job.fence,
        "to": to,
        "at": at,
        "ended": at if is_final(to) else None,
        "code": code,
        "detail": detail,
        "taken": taken,
        "tried": 0 if to is JobState.SCORING else job.attempts + taken,
        "owner": lease.owner if lease else None,
        "until": lease.until if lease else None,
        "send_at": None if is_final(to) else at,
    }
    if not may_move(start, to) or session.scalar(_MOVE, move) is None:
        raise JobMoved(f"job {name} cannot go from {start} to {to}", job=name)
    if to is JobState.QUEUED:  # the next attempt counts from the start
        session.execute(update(Output).where(Output.job_id == job.id).values(new_tokens=None))
    ledger.record(session, actor=actor, action=f"job.{to}", subject=name, code=code)


def seal(session: Session, job: Job, *, generated: Sequence[Generated], actor: str) -> None:
    """Store what was generated, unread, and pass the job on to scoring.

    Raises:
        JobMoved: The lease was lost; nothing is stored.
    """
    advance(session, job, to=JobState.SCORING, actor=actor)
    for output, text in zip(outputs_of(session, job), generated, strict=True):
        output.text = text.text
        output.token_ids = list(text.token_ids)
        output.new_tokens = len(text.token_ids)
        output.finish_reason = text.finish_reason
        output.generated_at = now()


def advance_output(session: Session, output: Output, *, to: OutputState) -> None:
    """Move an output one step, by compare-and-swap.

    Raises:
        OutputMoved: There is no such move, or somebody else was quicker.
    """
    move = {
        "of_output": output.id,
        "start": output.state,
        "to": to,
        "verdict": output.verdict_id,
        "receipt": output.receipt_id,
    }
    if to not in OUTPUT_MOVES[output.state] or session.scalar(_MOVE_OUTPUT, move) is None:
        raise OutputMoved(
            f"output {output.id} is {output.state} and cannot become {to}", output=str(output.id)
        )


def cancel(session: Session, job: Job, *, actor: str) -> None:
    """Stop a job that is not finished; its worker notices within a heartbeat.

    Raises:
        JobMoved: It has finished.
    """
    if is_final(job.state):
        raise JobMoved(f"job {job.id} is {job.state} already", job=str(job.id))
    advance(session, job, to=JobState.CANCELLED, actor=actor)


def outputs_of(session: Session, job: Job) -> Sequence[Output]:
    """Return a job's outputs in order."""
    return session.scalars(_OUTPUTS, {"of_job": job.id}).all()


def output(session: Session, identifier: object) -> Output:
    """Return one output, whatever its state.

    Raises:
        UnknownOutput: There is none with this identifier.
    """
    row = session.get(Output, identifier)
    if row is None:
        raise UnknownOutput(f"there is no output {identifier}", output=str(identifier))
    return row
