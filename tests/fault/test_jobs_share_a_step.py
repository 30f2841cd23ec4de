"""Jobs that come to a step at the same moment take it together; what befalls one stays with it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from filters.contract import Filter, Sample
from filters.verdict import Verdict
from registry.db.session import Database
from registry.errors import JobMoved
from registry.jobs import queries
from registry.jobs import service as jobs
from registry.jobs.model import Job, Output
from registry.jobs.states import JobState, OutputState
from registry.ledger.model import Entry
from registry.prompts.model import PromptVerdict
from registry.settings import Settings
from registry.verdicts.model import VerdictRecord
from tests.support.line import Line, line
from workers.together import Together

JOBS = 4


@pytest.fixture
def pipeline(database: Database, tmp_path: Path, sound: tuple[Filter, ...]) -> Iterator[Line]:
    """A pipeline on each database."""
    url = database.engine.url.render_as_string(hide_password=False)
    settings = Settings(data_dir=tmp_path / "data", database_url=url)
    with line(database, settings, sound) as ready:
        yield ready


@contextmanager
def shared(step: Together[Any, Any], meanwhile: Callable[[], None]) -> Iterator[list[int]]:
    """Hold a step up until all jobs wait for it; yield how many took it together each time."""
    sizes: list[int] = []
    take = step._take

    def counted(items: Sequence[Any]) -> Sequence[Any]:
        sizes.append(len(items))
        return take(items)

    def let_go() -> None:
        while len(step._waiting) < JOBS:
            pass
        meanwhile()
        with step._changed:
            step._is_taken = False
            step._changed.notify_all()

    step._take = counted
    step._is_taken = True
    thread = threading.Thread(target=let_go)
    thread.start()
    yield sizes
    thread.join()


def all_at_once(do: Callable[[UUID], None], job_ids: Sequence[UUID]) -> list[Future[None]]:
    """Do something with all jobs, each in a thread of its own."""
    with ThreadPoolExecutor(len(job_ids)) as pool:
        return [pool.submit(do, job_id) for job_id in job_ids]


def cancel(pipeline: Line, job: Job) -> None:
    """Cancel a job as its researcher does."""
    with pipeline.database.transaction() as session:
        jobs.cancel(session, queries.get(session, job.id), actor="researcher")


def verdicts(pipeline: Line) -> list[UUID]:
    """Return which outputs have a verdict."""
    with pipeline.database.reading() as session:
        return list(session.scalars(select(VerdictRecord.output_id)))


def nothing() -> None:
    """Nothing happens meanwhile."""


@pytest.mark.parametrize("name", ["_claims", "_seals"])
def test_jobs_are_generated_together(pipeline: Line, name: str) -> None:
    submitted = [pipeline.submit(f"The {number} of them", n=2) for number in range(JOBS)]

    with shared(getattr(pipeline.generator, name), nothing) as sizes:
        ends = all_at_once(pipeline.generator.generate, [job.id for job in submitted])

    assert [each.exception() for each in ends] == [None] * JOBS
    assert sizes == [JOBS]
    rows = [pipeline.look(job)[0] for job in submitted]
    assert [(row.state, row.attempts, row.sends) for row in rows] == [
        (JobState.SCORING, 0, 1)
    ] * JOBS


@pytest.mark.parametrize("name", ["_claims", "_recalls", "_screens", "_settles"])
def test_jobs_are_scored_together_and_each_text_keeps_its_own_verdict(
    pipeline: Line, name: str
) -> None:
    submitted = [pipeline.submit(f"The {number} of them", n=2) for number in range(JOBS)]
    for job in submitted:
        pipeline.generator.generate(job.id)

    with shared(getattr(pipeline.scorer, name), nothing) as sizes:
        ends = all_at_once(pipeline.scorer.score, [job.id for job in submitted])

    assert [each.exception() for each in ends] == [None] * JOBS
    assert sizes == [JOBS]
    for job in submitted:
        row, view = pipeline.look(job)
        assert row.state is JobState.DONE
        assert {each.state for each in view.outputs} <= {OutputState.RELEASED, OutputState.FLAGGED}
    assert len(set(verdicts(pipeline))) == 2 * JOBS
    with pipeline.database.reading() as session:
        told = session.scalars(select(Entry.subject).where(Entry.action == "job.done")).all()
    assert sorted(told) == sorted(str(job.id) for job in submitted)


@pytest.mark.parametrize("name", ["_claims", "_seals"])
def test_one_that_is_cancelled_meanwhile_keeps_no_other_from_being_generated(
    pipeline: Line, name: str
) -> None:
    gone, *others = [pipeline.submit() for _ in range(JOBS)]

    with shared(getattr(pipeline.generator, name), lambda: cancel(pipeline, gone)) as sizes:
        ends = all_at_once(pipeline.generator.generate, [job.id for job in (gone, *others)])

    assert isinstance(ends[0].exception(), JobMoved)
    assert sizes == [JOBS, *[1] * JOBS]
    assert pipeline.look(gone)[0].state is JobState.CANCELLED
    assert {pipeline.look(job)[0].state for job in others} == {JobState.SCORING}


@pytest.mark.parametrize("name", ["_claims", "_settles"])
def test_one_that_is_cancelled_meanwhile_is_not_released_and_the_others_are(
    pipeline: Line, name: str
) -> None:
    gone, *others = [pipeline.submit() for _ in range(JOBS)]
    for job in (gone, *others):
        pipeline.generator.generate(job.id)

    with shared(getattr(pipeline.scorer, name), lambda: cancel(pipeline, gone)) as sizes:
        ends = all_at_once(pipeline.scorer.score, [job.id for job in (gone, *others)])

    assert isinstance(ends[0].exception(), JobMoved)
    assert sizes == [JOBS, *[1] * JOBS]
    row, view = pipeline.look(gone)
    assert (row.state, view.outputs[0].state) == (JobState.CANCELLED, OutputState.PENDING)
    assert {pipeline.look(job)[0].state for job in others} == {JobState.DONE}
    assert len(verdicts(pipeline)) == len(others)


def test_a_verdict_that_is_lost_gives_no_job_the_verdict_of_another(
    pipeline: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted = [pipeline.submit("word " * (2 + number)) for number in range(JOBS)]
    for job in submitted:
        pipeline.generator.generate(job.id)
    screener = pipeline.scorer.screener
    screen = screener.screen

    def lose_the_first(samples: Sequence[Sample]) -> list[Verdict]:
        return screen(samples)[len(samples) > 1 :]

    monkeypatch.setattr(screener, "screen", lose_the_first)

    with shared(pipeline.scorer._screens, nothing) as sizes:
        ends = all_at_once(pipeline.scorer.score, [job.id for job in submitted])

    assert [each.exception() for each in ends] == [None] * JOBS
    assert sizes == [JOBS, *[1] * JOBS]
    assert {pipeline.look(job)[0].state for job in submitted} == {JobState.DONE}
    with pipeline.database.reading() as session:
        rows = session.execute(
            select(Output.text, VerdictRecord.characters, PromptVerdict.characters, Job.prompt)
            .join(VerdictRecord, VerdictRecord.id == Output.verdict_id)
            .join(Job, Job.id == Output.job_id)
            .join(PromptVerdict, PromptVerdict.job_id == Job.id)
        ).all()
    assert len(rows) == JOBS
    assert all(len(text or "") == own for text, own, _, _ in rows)
    assert all(len(prompt) == own for _, _, own, prompt in rows)


def test_two_messages_about_one_job_at_the_same_moment_run_it_once(pipeline: Line) -> None:
    job = pipeline.submit()
    step = pipeline.generator._claims

    with shared(step, nothing) as sizes:
        ends = all_at_once(pipeline.generator.generate, [job.id] * JOBS)

    assert sizes == [JOBS, *[1] * JOBS]
    assert sorted(str(type(each.exception()).__name__) for each in ends) == [
        *["JobMoved"] * (JOBS - 1),
        "NoneType",
    ]
    assert pipeline.look(job)[0].fence == 1
