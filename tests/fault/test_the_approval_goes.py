"""An approval is revoked while its job is queued, generated or about to be released."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from filters.catalog import load_filters
from filters.contract import Sample
from registry.access import service as access
from registry.access.model import Approval
from registry.accounts import service as accounts
from registry.db.session import Database
from registry.errors import JobMoved
from registry.jobs.states import JobState, OutputState
from registry.settings import Settings
from tests.support.line import Line, line


@pytest.fixture
def pipeline(database: Database, tmp_path: Path) -> Iterator[Line]:
    """A pipeline on each database."""
    url = database.engine.url.render_as_string(hide_password=False)
    settings = Settings(data_dir=tmp_path / "data", database_url=url)
    with line(database, settings, load_filters()) as ready:
        yield ready


def revoke(pipeline: Line) -> None:
    """Revoke the demo researcher's approval."""
    with pipeline.database.transaction() as session:
        access.revoke(
            session,
            approval_id=session.scalars(select(Approval.id)).one(),
            reviewer=accounts.get(session, "demo-reviewer"),
            reason="test",
        )


def test_a_queued_job_is_not_generated(pipeline: Line) -> None:
    job = pipeline.submit()
    revoke(pipeline)

    with pytest.raises(JobMoved):
        pipeline.generator.generate(job.id)

    row, _ = pipeline.look(job)
    assert (row.state, row.failure_code) == (JobState.FAILED, "approval_revoked")


def test_a_generated_text_is_not_scored_for_release(pipeline: Line) -> None:
    job = pipeline.submit()
    pipeline.generator.generate(job.id)
    revoke(pipeline)

    with pytest.raises(JobMoved):
        pipeline.scorer.score(job.id)

    row, view = pipeline.look(job)
    assert (row.state, row.failure_code) == (JobState.FAILED, "approval_revoked")
    assert (view.outputs[0].state, view.outputs[0].text) == (OutputState.PENDING, None)


def test_a_scored_text_is_not_released(pipeline: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    job = pipeline.submit()
    pipeline.generator.generate(job.id)
    screener = pipeline.scorer.screener
    screen = screener.screen

    def screen_then_revoke(samples: list[Sample]) -> object:
        verdicts = screen(samples)
        if samples[0].text != job.prompt:
            revoke(pipeline)
        return verdicts

    monkeypatch.setattr(screener, "screen", screen_then_revoke)

    pipeline.scorer.score(job.id)

    row, view = pipeline.look(job)
    assert (row.state, row.failure_code) == (JobState.FAILED, "approval_revoked")
    assert view.outputs[0].text is None
