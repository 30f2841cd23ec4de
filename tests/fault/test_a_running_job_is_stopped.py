"""A job that is being generated is cancelled, loses its approval, or its release is in doubt."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from filters.catalog import load_filters
from registry.access import service as access
from registry.access.model import Approval
from registry.accounts import service as accounts
from registry.db.session import Database
from registry.errors import JobMoved
from registry.jobs import queries
from registry.jobs import service as jobs
from registry.jobs.model import Job
from registry.jobs.states import JobState, OutputState
from registry.releases import quarantine
from registry.settings import Settings
from tests.support.line import Line, line
from tests.support.rows import PARAMETERS

WAIT_SECONDS = 30
# A second is what is promised; machines that test many things at once get more.
STOPPED_SECONDS = 5
# What a job of this size takes would be many times that.
OUTPUTS, TOKENS = 64, 450


@pytest.fixture
def pipeline(database: Database, tmp_path: Path) -> Iterator[Line]:
    """A pipeline on each database, its engine loaded."""
    url = database.engine.url.render_as_string(hide_password=False)
    settings = Settings(data_dir=tmp_path / "data", database_url=url)
    with line(database, settings, load_filters(), apart=True) as ready:
        ready.generator.generate(ready.submit().id)
        yield ready


def long_job(pipeline: Line) -> Job:
    """Submit a job that takes long."""
    with pipeline.database.transaction() as session:
        return jobs.submit(
            session,
            account=pipeline.ready.researcher,
            release=pipeline.ready.release,
            prompt="Once upon a time",
            parameters=replace(PARAMETERS, n=OUTPUTS, max_new_tokens=TOKENS, temperature=1.5),
        )


@contextmanager
def generating(pipeline: Line, job: Job) -> Iterator[None]:
    """Generate beside the block, which begins once there are tokens; wait for the end."""
    moved: list[JobMoved] = []

    def generate() -> None:
        try:
            pipeline.generator.generate(job.id)
        except JobMoved as error:
            moved.append(error)

    worker = threading.Thread(target=generate)
    worker.start()
    deadline = time.monotonic() + WAIT_SECONDS
    while not any(each.tokens for each in pipeline.look(job)[1].outputs):
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
    assert pipeline.look(job)[0].state is JobState.GENERATING
    yield
    began = time.monotonic()
    worker.join()
    assert time.monotonic() - began < STOPPED_SECONDS


def assert_nothing_is_kept(pipeline: Line, job: Job) -> None:
    """Check that no text was stored."""
    _, view = pipeline.look(job)
    assert {(each.state, each.finish_reason) for each in view.outputs} == {
        (OutputState.PENDING, None)
    }


def test_a_cancelled_job_stops(pipeline: Line) -> None:
    job = long_job(pipeline)

    with generating(pipeline, job), pipeline.database.transaction() as session:
        jobs.cancel(session, queries.get(session, job.id), actor="ada")

    assert pipeline.look(job)[0].state is JobState.CANCELLED
    assert_nothing_is_kept(pipeline, job)


def test_a_job_whose_approval_is_revoked_stops_and_says_why(pipeline: Line) -> None:
    job = long_job(pipeline)

    with generating(pipeline, job), pipeline.database.transaction() as session:
        access.revoke(
            session,
            approval_id=session.scalars(select(Approval.id)).one(),
            reviewer=accounts.get(session, "demo-reviewer"),
            reason="test",
        )

    row, _ = pipeline.look(job)
    assert (row.state, row.failure_code) == (JobState.FAILED, "approval_revoked")
    assert_nothing_is_kept(pipeline, job)


def test_a_job_whose_release_is_in_doubt_stops_and_waits(pipeline: Line) -> None:
    job = long_job(pipeline)

    with generating(pipeline, job), pipeline.database.transaction() as session:
        name = pipeline.ready.release.name
        quarantine.quarantine(session, name=name, actor="operator", reason="a rumour")

    row, view = pipeline.look(job)
    assert (row.state, row.attempts) == (JobState.QUEUED, 0)
    assert {each.tokens for each in view.outputs} == {None}
    assert_nothing_is_kept(pipeline, job)
