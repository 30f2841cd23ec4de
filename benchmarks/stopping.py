"""How soon a running job stops once it is cancelled, its approval revoked or its release doubted.

The real pipeline on SQLite, with its engine process, the bundled release and long jobs. What is
timed is from the commit of the decision to the moment at which the worker is done with the job
and its place in the batch is free.

Example: python benchmarks/stopping.py --rounds 10 --json
"""

import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

import migrations
from api.cli import demo
from benchmarks.support import command
from registry.access import service as access
from registry.access.model import Approval
from registry.accounts import service as accounts
from registry.db.session import Database, Session
from registry.errors import JobMoved
from registry.jobs import queries
from registry.jobs import service as jobs
from registry.jobs.model import Job
from registry.releases import quarantine
from registry.settings import Settings
from tests.support import rows
from tests.support.line import Line, line

Decision = Callable[[Session, Line, Job], None]


def main() -> None:
    """Stop jobs in every way and print the times."""
    parser = command.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    decisions: dict[str, Decision] = {"cancel": _cancel, "revoke": _revoke, "quarantine": _doubt}
    figures = {}
    for name, decision in decisions.items():
        seconds = [_stop(decision) for _ in range(options.rounds)]
        figures[name] = {"median_s": statistics.median(seconds), "worst_s": max(seconds)}
    command.show(figures, command.rows(figures), as_json=options.json)


def _stop(decision: Decision) -> float:
    """Set a pipeline up, stop a job that it generates, and return how long that took."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        migrations.upgrade(settings.records_url)
        database = Database(settings.records_url)
        with line(database, settings, (), apart=True) as pipeline:
            taken = _stop_in(pipeline, decision)
        database.close()
    return taken


def _stop_in(pipeline: Line, decision: Decision) -> float:
    with pipeline.database.transaction() as session:
        job = jobs.submit(
            session,
            account=pipeline.ready.researcher,
            release=pipeline.ready.release,
            prompt="Once upon a time",
            parameters=replace(rows.PARAMETERS, n=64, max_new_tokens=450, temperature=1.5),
        )

    def generate() -> None:
        with suppress(JobMoved):
            pipeline.generator.generate(job.id)

    worker = threading.Thread(target=generate)
    worker.start()
    while not any(each.tokens for each in pipeline.look(job)[1].outputs):
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.5))  # noqa: S311 (when a decision falls is chance)
    with pipeline.database.transaction() as session:
        decision(session, pipeline, job)
    began = time.monotonic()
    worker.join()
    return time.monotonic() - began


def _cancel(session: Session, _pipeline: Line, job: Job) -> None:
    jobs.cancel(session, queries.get(session, job.id), actor=demo.RESEARCHER)


def _revoke(session: Session, _pipeline: Line, _job: Job) -> None:
    access.revoke(
        session,
        approval_id=session.scalars(select(Approval.id)).one(),
        reviewer=accounts.get(session, demo.REVIEWER),
        reason="a benchmark",
    )


def _doubt(session: Session, pipeline: Line, _job: Job) -> None:
    quarantine.quarantine(
        session, name=pipeline.ready.release.name, actor="operator", reason="a benchmark"
    )


if __name__ == "__main__":
    main()
