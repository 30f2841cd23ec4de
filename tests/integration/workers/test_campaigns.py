"""Near-copies with other names are flagged as a batch, through the whole pipeline."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from filters.catalog import load_filters
from filters.contract import Filter
from registry.db.session import Database
from registry.jobs.model import Job
from registry.jobs.states import OutputState
from registry.settings import Settings
from registry.sketches.model import SketchRecord
from tests.support.line import Line, line
from workers.generation.engine import GeneratedText, GenerationRequest

INVITATION = (
    "Dear {}, the village choir will meet in the old school again after the summer. We would be "
    "glad if you came and sang with us, and there will be cake and tea for everybody afterwards."
)
NAMES = ("Ada", "Ben Miller", "Cleo", "Dan", "Eve", "Finn")


class Reciter:
    """Gives the texts that it was given, in order, as the engine of every release."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = iter(texts)

    @contextmanager
    def using(self, _digest: str, *, job_id: UUID) -> Iterator["Reciter"]:  # noqa: ARG002
        yield self

    def submit(self, request: GenerationRequest, **_: Any) -> Future[GeneratedText]:
        text = (request.prompt if request.echo else "") + next(self._texts)
        future: Future[GeneratedText] = Future()
        future.set_result(GeneratedText(text, "length", (1,), 1))
        return future


@pytest.fixture(scope="module")
def filters() -> tuple[Filter, ...]:
    """The real filters."""
    return load_filters()


@pytest.fixture
def pipeline(database: Database, tmp_path: Path, filters: tuple[Filter, ...]) -> Iterator[Line]:
    """A pipeline on each database."""
    url = database.engine.url.render_as_string(hide_password=False)
    settings = Settings(data_dir=tmp_path / "data", database_url=url)
    with line(database, settings, filters) as ready:
        yield ready


def generate(pipeline: Line, monkeypatch: pytest.MonkeyPatch, *texts: str, n: int = 1) -> list[Job]:
    """Submit jobs and generate these texts as their outputs."""
    monkeypatch.setattr(pipeline.generator, "_engines", Reciter(texts))
    made = [pipeline.submit(n=n) for _ in range(len(texts) // n)]
    for job in made:
        pipeline.generator.generate(job.id)
    return made


def score(pipeline: Line, jobs: Sequence[Job]) -> list[tuple[OutputState, list[int]]]:
    """Score jobs in order; return each output's state and its campaign's count."""
    found: list[tuple[OutputState, list[int]]] = []
    for job in jobs:
        pipeline.scorer.score(job.id)
        for output in pipeline.look(job)[1].outputs:
            counts = [each.count for each in output.flagged_by if each.filter == "campaign"]
            found.append((output.state, counts))
    return found


def test_the_outputs_of_one_job_are_flagged_together(
    pipeline: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [INVITATION.format(name) for name in NAMES]

    jobs = generate(pipeline, monkeypatch, *texts, n=len(texts))

    assert score(pipeline, jobs) == [(OutputState.FLAGGED, [6])] * 6


def test_jobs_that_wait_are_flagged_together(
    pipeline: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = generate(pipeline, monkeypatch, *(INVITATION.format(name) for name in NAMES))

    assert score(pipeline, jobs) == [(OutputState.FLAGGED, [6])] * 6


def test_what_was_released_before_stays_so_and_counts(
    pipeline: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for name in NAMES:
        jobs = generate(pipeline, monkeypatch, INVITATION.format(name))
        found += score(pipeline, jobs)

    assert found == [(OutputState.RELEASED, [])] * 4 + [
        (OutputState.FLAGGED, [5]),
        (OutputState.FLAGGED, [6]),
    ]


def test_the_same_text_many_times_is_released(
    pipeline: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = generate(pipeline, monkeypatch, *[INVITATION.format("Ada")] * 8)

    assert score(pipeline, jobs) == [(OutputState.RELEASED, [])] * 8


def test_a_text_without_a_sketch_is_scored(pipeline: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = generate(pipeline, monkeypatch, "", "Yes.", "\0\U0001f600")

    assert [state for state, _ in score(pipeline, jobs)] == [OutputState.RELEASED] * 3


def test_a_sketch_holds_no_text(pipeline: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    generate(pipeline, monkeypatch, INVITATION.format("Ada"))

    with pipeline.database.reading() as session:
        row = session.scalars(select(SketchRecord)).one()

    assert b"choir" not in row.signature + row.slots
