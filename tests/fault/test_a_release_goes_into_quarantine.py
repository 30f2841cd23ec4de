"""A release goes into quarantine while its jobs are queued, generated or about to be released."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from filters.catalog import load_filters
from filters.contract import Sample
from registry.db.session import Database
from registry.errors import JobMoved
from registry.jobs import leases
from registry.jobs import service as jobs
from registry.jobs.model import Job
from registry.jobs.states import JobState, OutputState
from registry.releases import quarantine
from registry.settings import Settings
from tests.support.line import Line, line
from tests.support.rows import PARAMETERS


@pytest.fixture
def pipeline(database: Database, tmp_path: Path) -> Iterator[Line]:
    """A pipeline on each database."""
    url = database.engine.url.render_as_string(hide_password=False)
    settings = Settings(data_dir=tmp_path / "data", database_url=url)
    with line(database, settings, load_filters()) as ready:
        yield ready


def doubt(pipeline: Line) -> None:
    """Put the release into quarantine."""
    name = pipeline.ready.release.name
    with pipeline.database.transaction() as session:
        quarantine.quarantine(session, name=name, actor="operator", reason="a rumour")


def long_job(pipeline: Line) -> Job:
    """Submit a job that takes seconds."""
    with pipeline.database.transaction() as session:
        return jobs.submit(
            session,
            account=pipeline.ready.researcher,
            release=pipeline.ready.release,
            prompt="Once upon a time",
            parameters=replace(PARAMETERS, n=16, max_new_tokens=400, temperature=1.2),
        )


def test_a_queued_job_waits(pipeline: Line) -> None:
    job = pipeline.submit()
    doubt(pipeline)

    with pytest.raises(JobMoved):
        pipeline.generator.generate(job.id)

    row, view = pipeline.look(job)
    assert row.state is JobState.QUEUED
    assert view.quarantine is not None


def test_a_job_that_is_being_generated_stops_and_waits(pipeline: Line) -> None:
    job = long_job(pipeline)
    moved: list[JobMoved] = []

    def generate() -> None:
        try:
            pipeline.generator.generate(job.id)
        except JobMoved as error:
            moved.append(error)

    worker = threading.Thread(target=generate)
    worker.start()
    while pipeline.look(job)[0].state is JobState.QUEUED:
        threading.Event().wait(0.01)
    doubt(pipeline)
    with pipeline.database.transaction() as session:
        stopped = leases.stop_quarantined(session)
    worker.join()

    row, view = pipeline.look(job)
    assert (stopped, len(moved)) == (1, 1)
    assert (row.state, row.attempts) == (JobState.QUEUED, 0)
    assert {each.finish_reason for each in view.outputs} == {None}


def test_a_scored_text_is_not_released(pipeline: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    job = pipeline.submit()
    pipeline.generator.generate(job.id)
    screener = pipeline.scorer.screener
    screen = screener.screen

    def screen_then_doubt(samples: list[Sample]) -> object:
        verdicts = screen(samples)
        if samples[0].text != job.prompt:
            doubt(pipeline)
        return verdicts

    monkeypatch.setattr(screener, "screen", screen_then_doubt)

    pipeline.scorer.score(job.id)

    row, view = pipeline.look(job)
    assert row.state is JobState.SCORING
    assert (view.outputs[0].state, view.outputs[0].text) == (OutputState.PENDING, None)
    assert [each.reason for each in view.outputs[0].quarantines] == ["a rumour"]
