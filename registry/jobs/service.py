"""Submit, advance, seal, cancel. Every state of a job or an output is moved here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Integer, bindparam, select, tuple_, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from registry.access.gate import admit
from registry.access.model import Scope
from registry.accounts.model import Account
from registry.clock import now
from registry.errors import JobMoved, OutputMoved, UnknownOutput
from registry.jobs import queries
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
        Job.id.in_(bindparam("of_jobs", expanding=True)),
        tuple_(Job.id, Job.state, Job.fence).in_(bindparam("seen", expanding=True)),
    )
    .values(
        state=bindparam("to"),
        moved_at=bindparam("at"),
        finished_at=bindparam("ended"),
        failure_code=bindparam("code"),
        failure_detail=bindparam("detail"),
        fence=Job.fence + bindparam("taken", type_=Integer()),
        attempts=Job.attempts * bindparam("kept", type_=Integer())
        + bindparam("taken", type_=Integer()),
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
)
_OUTPUTS = (
    select(Output)
    .where(Output.job_id.in_(bindparam("of_jobs", expanding=True)))
    .order_by(Output.job_id, Output.index)
)
_SEAL_OUTPUT = (
    update(Output)
    .where(Output.id == bindparam("of_output"))
    .values(
        text=bindparam("generated_text"),
        token_ids=bindparam("ids"),
        new_tokens=bindparam("count"),
        finish_reason=bindparam("reason"),
        generated_at=bindparam("at"),
    )
)


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
    advance_all(session, [job], to=to, actor=actor, code=code, detail=detail, lease=lease)


def advance_all(
    session: Session,
    jobs: Sequence[Job],
    *,
    to: JobState,
    actor: str,
    code: str | None = None,
    detail: str | None = None,
    lease: Lease | None = None,
) -> None:
    """Move jobs the same step, each as ``advance`` does; the caller rolls back if one cannot.

    Raises:
        JobMoved: There is no such move for one of them, or it has already moved on.
    """
    if not jobs:
        return
    starts, at = {job.id: job.state for job in jobs}, now()
    if len(starts) < len(jobs):
        raise JobMoved("a job cannot be moved twice in one step")
    taken = int(lease is not None)
    move = {
        "of_jobs": list(starts),
        "seen": [(job.id, job.state, job.fence) for job in jobs],
        "to": to,
        "at": at,
        "ended": at if is_final(to) else None,
        "code": code,
        "detail": detail,
        "taken": taken,
        "kept": int(to is not JobState.SCORING),
        "owner": lease.owner if lease else None,
        "until": lease.until if lease else None,
        "send_at": None if is_final(to) else at,
    }
    stuck = {name for name, start in starts.items() if not may_move(start, to)}
    if not stuck:
        queries.lock(session, starts)
        stuck = starts.keys() - {moved.id for moved in session.scalars(_MOVE, move)}
    for name in stuck:
        raise JobMoved(f"job {name} cannot go from {starts[name]} to {to}", job=str(name))
    if to is JobState.QUEUED:  # the next attempt counts from the start
        again = update(Output).where(Output.job_id.in_(starts)).values(new_tokens=None)
        session.execute(again)
    said = {"code": code}
    ledger.record_all(
        session, [ledger.Decision(actor, f"job.{to}", str(job.id), said) for job in jobs]
    )


def seal(
    session: Session, jobs: Sequence[tuple[Job, Sequence[Generated]]], *, actor: str
) -> list[list[UUID]]:
    """Store what was generated, unread, and pass the jobs on to scoring; name their outputs.

    Raises:
        JobMoved: The lease of one was lost; the caller rolls back.
    """
    advance_all(session, [job for job, _ in jobs], to=JobState.SCORING, actor=actor)
    found = outputs_of_all(session, [job for job, _ in jobs])
    at = now()
    session.connection().execute(
        _SEAL_OUTPUT,
        [
            {
                "of_output": output.id,
                "generated_text": each.text,
                "ids": list(each.token_ids),
                "count": len(each.token_ids),
                "reason": each.finish_reason,
                "at": at,
            }
            for outputs, (_, generated) in zip(found, jobs, strict=True)
            for output, each in zip(outputs, generated, strict=True)
        ],
    )
    return [[output.id for output in outputs] for outputs in found]


def advance_outputs(session: Session, moves: Sequence[tuple[Output, OutputState]]) -> None:
    """Move outputs one step each, by compare-and-swap, with their verdicts and receipts.

    Raises:
        OutputMoved: There is no such move for one of them, or somebody else was quicker; the
            caller rolls back.
    """
    for output, to in moves:
        if to not in OUTPUT_MOVES[output.state]:
            raise OutputMoved(
                f"output {output.id} is {output.state} and cannot become {to}",
                output=str(output.id),
            )
    swaps = [
        {
            "of_output": output.id,
            "start": output.state,
            "to": to,
            "verdict": output.verdict_id,
            "receipt": output.receipt_id,
        }
        for output, to in moves
    ]
    if swaps and session.connection().execute(_MOVE_OUTPUT, swaps).rowcount != len(swaps):
        names = ", ".join(str(output.id) for output, _ in moves)
        raise OutputMoved(f"somebody else was quicker with one of these outputs: {names}")
    for output, to in moves:
        set_committed_value(output, "state", to)


def cancel(session: Session, job: Job, *, actor: str) -> None:
    """Stop a job that is not finished; its worker notices within a heartbeat.

    Raises:
        JobMoved: It has finished.
    """
    if is_final(job.state):
        raise JobMoved(f"job {job.id} is {job.state} already", job=str(job.id))
    advance(session, job, to=JobState.CANCELLED, actor=actor)


def outputs_of(session: Session, job: Job) -> list[Output]:
    """Return a job's outputs in order."""
    [outputs] = outputs_of_all(session, [job])
    return outputs


def outputs_of_all(session: Session, jobs: Sequence[Job]) -> list[list[Output]]:
    """Return the outputs of each of these jobs, in order."""
    found: dict[UUID, list[Output]] = {job.id: [] for job in jobs}
    for row in session.scalars(_OUTPUTS, {"of_jobs": list(found)}):
        found[row.job_id].append(row)
    return [found[job.id] for job in jobs]


def output(session: Session, identifier: object) -> Output:
    """Return one output, whatever its state.

    Raises:
        UnknownOutput: There is none with this identifier.
    """
    row = session.get(Output, identifier)
    if row is None:
        raise UnknownOutput(f"there is no output {identifier}", output=str(identifier))
    return row
