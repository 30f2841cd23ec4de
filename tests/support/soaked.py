"""What a soak watches while it runs, and what it counts at its end."""

import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from api.client import ApiProblem, ServerUnreachable
from registry.jobs.model import Job, Output
from registry.jobs.states import JobState, OutputState, is_final
from registry.ledger.model import Entry
from registry.ledger.verify import verify
from registry.receipts.model import Receipt
from registry.verdicts.model import VerdictRecord
from tests.support.stack import Stack

POLL_SECONDS = 0.2
ENDINGS = [f"job.{state}" for state in JobState if is_final(state)]
KILLED = "worker_lost"


@dataclass
class Reader:
    """Reads all the time, as the researcher over HTTP and in the database directly.

    Attributes:
        counts: How often it looked, what it read, and how often nobody answered.
        wrong: What it read and should not have.
    """

    service: Stack
    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 (no secret)
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=each, daemon=True) for each in (self._over_http, self._rows)
        ]

    def start(self) -> None:
        """Begin."""
        for each in self._threads:
            each.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        for each in self._threads:
            each.join()

    def _over_http(self) -> None:
        with self.service.client() as client:
            while not self._stopping.wait(POLL_SECONDS):
                try:
                    for identifier in self._some_jobs():
                        self._check(client.job(identifier))
                        self.counts["polls over HTTP"] += 1
                except (ApiProblem, ServerUnreachable, SQLAlchemyError):
                    self.counts["polls over HTTP without an answer"] += 1

    def _some_jobs(self) -> list[str]:
        with self.service.database.reading() as session:
            known = [str(each) for each in session.scalars(select(Job.id))]
        return self._random.sample(known, min(5, len(known)))

    def _check(self, job: dict[str, Any]) -> None:
        for output in job["outputs"]:
            if output["text"] is None:
                continue
            self.counts["texts read over HTTP"] += 1
            if output["state"] != "released" or not output["verdict"] or not output["receipt"]:
                self.wrong.append(f"output {output['id']} was readable over HTTP")

    def _rows(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            try:
                with self.service.database.reading() as session:
                    found = session.scalars(_unjustified()).all()
                    released = select(func.count()).where(Output.state == OutputState.RELEASED)
                    self.counts["released outputs seen in rows"] += session.scalar(released) or 0
            except SQLAlchemyError:
                self.counts["polls of rows without an answer"] += 1
                continue
            self.counts["polls of rows"] += 1
            self.wrong += [f"output {each} was released in its row" for each in found]


def _unjustified() -> Any:
    """Select released outputs without a verdict that releases, or a receipt, of their own."""
    verdict = and_(
        VerdictRecord.id == Output.verdict_id,
        VerdictRecord.output_id == Output.id,
        VerdictRecord.decision == "release",
    )
    receipt = and_(Receipt.id == Output.receipt_id, Receipt.output_id == Output.id)
    return (
        select(Output.id)
        .outerjoin(VerdictRecord, verdict)
        .outerjoin(Receipt, receipt)
        .where(
            Output.state == OutputState.RELEASED,
            or_(VerdictRecord.id.is_(None), Receipt.id.is_(None)),
        )
    )


@dataclass
class Outcome:
    """What was left at the end.

    Attributes:
        counts: Names and numbers.
        wrong: One sentence for each promise that was not kept; empty is good.
    """

    counts: dict[str, int]
    wrong: list[str]


def outcome(session: Session, *, jobs: int) -> Outcome:
    """Count what became of so many jobs, and hold it against what is promised."""
    rows = session.scalars(select(Job)).all()
    names = {str(row.id) for row in rows}
    actions = Counter(
        (row.subject, row.action)
        for row in session.execute(select(Entry.subject, Entry.action))
        if row.subject in names
    )
    by_action = Counter[str]()
    for (_, action), times in actions.items():
        by_action[action] += times
    done = [row for row in rows if row.state is JobState.DONE]
    verdicts = _verdicts(session)
    report = verify(session)
    ends = {name: sum(actions[name, each] for each in ENDINGS) for name in names}
    failures = Counter(str(row.failure_code) for row in rows if row.state is JobState.FAILED)
    counts = {
        "jobs": len(rows),
        **{f"jobs {state}": sum(row.state is state for row in rows) for state in JobState},
        "jobs failed because kills used up their attempts": failures[KILLED],
        "times generated or begun": by_action["job.generating"],
        "times taken back while generating": by_action["job.queued"],
        "times sealed": by_action["job.scoring"],
        # Every lease, and every one that is taken back while scoring, raises the fence by one.
        "times taken back while scoring": sum(
            (row.fence - actions[str(row.id), "job.generating"] - 1) // 2 for row in done
        ),
        "outputs": len(verdicts),
        "verdicts": sum(verdicts.values()),
        "ledger entries": report.size,
    }
    wrong = [f"job {name} ended {times} times" for name, times in ends.items() if times != 1]
    wrong += [f"job {row.id} is stuck: {row.state}" for row in rows if not is_final(row.state)]
    wrong += [f"{times} jobs failed: {code}" for code, times in failures.items()]
    wrong += [
        f"job {row.id} was sealed more than once"
        for row in rows
        if actions[str(row.id), "job.scoring"] > 1
    ]
    wrong += [
        f"output {each} has {times} verdicts" for each, times in verdicts.items() if times != 1
    ]
    wrong += [f"output {each} was released in its row" for each in session.scalars(_unjustified())]
    wrong += [f"the ledger does not hold: {each}" for each in report.problems]
    if len(rows) != jobs:
        wrong.append(f"{jobs} jobs were submitted, and there are {len(rows)}")
    if report.pending:
        wrong.append(f"{report.pending} ledger entries wait for their place")
    return Outcome(counts, wrong)


def _verdicts(session: Session) -> dict[str, int]:
    """Count the verdicts on each output of a job that is done."""
    query = (
        select(Output.id, func.count(VerdictRecord.id))
        .join(Job, Job.id == Output.job_id)
        .outerjoin(VerdictRecord, VerdictRecord.output_id == Output.id)
        .where(Job.state == JobState.DONE)
        .group_by(Output.id)
    )
    return {str(row[0]): row[1] for row in session.execute(query)}
