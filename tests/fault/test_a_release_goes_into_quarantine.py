"""A release goes into quarantine while its jobs are queued or about to be released."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from filters.catalog import load_filters
from filters.contract import Sample
from registry.db.session import Database
from registry.errors import JobMoved
from registry.jobs.states import JobState, OutputState
from registry.releases import quarantine
from registry.settings import Settings
from tests.support.line import Line, line


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


def test_a_queued_job_waits(pipeline: Line) -> None:
    job = pipeline.submit()
    doubt(pipeline)

    with pytest.raises(JobMoved):
        pipeline.generator.generate(job.id)

    row, view = pipeline.look(job)
    assert row.state is JobState.QUEUED
    assert view.quarantine is not None


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
