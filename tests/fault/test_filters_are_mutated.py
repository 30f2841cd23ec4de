"""Every filter is broken in every way that a filter can be: nothing of what it saw is released.

The other filters are the real ones, and so are the records; ``test_a_filter_fails`` has the
faults that it takes a generated text to see. SQLite sees every fault and PostgreSQL one of each
kind: what is decided does not depend on where it is written, only that it is written does.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import pytest

from filters.contract import Filter, Reading, Sample
from registry.db.session import Database
from registry.jobs import leases
from registry.jobs import service as jobs
from registry.jobs.model import Job
from registry.jobs.service import Generated
from registry.jobs.states import OutputState
from registry.settings import Settings
from registry.verdicts.view import JobView
from tests.support.line import Line, line
from tests.support.rows import SIGNER
from workers.duty import Duty, OutOfService
from workers.scorer import Scorer
from workers.screening import Screener
from workers.watch import Watch

TEXT = "Lily and her mom baked a cake for the birthday."

Answer = Callable[[list[Reading]], list[Reading]]


class Mutant:
    """A real filter, with another name, version or answer."""

    def __init__(self, sound: Filter, answer: Answer = list, **other: object) -> None:
        self.name, self.version, self.labels = sound.name, sound.version, sound.labels
        self.weights_digest = sound.weights_digest
        vars(self).update(other)
        self._sound, self._answer = sound, answer

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        """Score, then answer something else."""
        return self._answer(self._sound.score(samples))


def with_score(score: float) -> Answer:
    """Return an answer in which every score is this one."""
    return lambda readings: [
        replace(each, findings=tuple(replace(one, score=score) for one in each.findings))
        for each in readings
    ]


def raises(_: list[Reading]) -> list[Reading]:
    raise RuntimeError("out of order")


def exits(_: list[Reading]) -> list[Reading]:
    raise SystemExit


def misses_a_label(readings: list[Reading]) -> list[Reading]:
    return [
        replace(
            each,
            findings=tuple(one for one in each.findings if one.label != each.findings[0].label),
        )
        for each in readings
    ]


def covers_half(readings: list[Reading]) -> list[Reading]:
    return [replace(each, covered=((0, len(TEXT) // 2),)) for each in readings]


def skips_the_middle(readings: list[Reading]) -> list[Reading]:
    ends = ((0, 5), (len(TEXT) - 5, len(TEXT)))
    return [replace(each, covered=ends) for each in readings]


def speaks_for_another(readings: list[Reading]) -> list[Reading]:
    return [
        replace(each, findings=tuple(replace(one, filter="other") for one in each.findings))
        for each in readings
    ]


def answers_with_words(_: list[Reading]) -> list[Reading]:
    return ["release"]  # type: ignore[list-item]


FAULTS: dict[str, Answer] = {
    "NaN": with_score(math.nan),
    "infinite": with_score(math.inf),
    "negative": with_score(-1.0),
    "above 1": with_score(2.0),
    "raises": raises,
    "exits": exits,
    "too few": lambda readings: readings[:-1],
    "too many": lambda readings: [*readings, *readings],
    "misses a label": misses_a_label,
    "covers half": covers_half,
    "skips the middle": skips_the_middle,
    "speaks for another": speaks_for_another,
    "answers with words": answers_with_words,
}


ABSENCES: dict[str, Callable[[Filter], list[Filter]]] = {
    "deleted": lambda _: [],
    "renamed": lambda one: [Mutant(one, name=f"{one.name}2")],
    "doubled": lambda one: [one, one],
}

POLITE: dict[str, Callable[[Filter], dict[str, object]]] = {
    "a constant 0": lambda _: {"_answer": with_score(0.0)},
    "a constant 0.497": lambda _: {"_answer": with_score(0.497)},
    "another version": lambda one: {"version": f"{one.version} of somebody else"},
    "another digest": lambda _: {"weights_digest": "0" * 64},
}


def every(faults: Iterable[str], *, on_postgres: str) -> pytest.MarkDecorator:
    """Run a test with every fault on SQLite, and with one on PostgreSQL."""
    postgres = pytest.param("postgres", on_postgres, marks=pytest.mark.postgres)
    cases = [*(("sqlite", fault) for fault in faults), postgres]
    return pytest.mark.parametrize(("database_url", "fault"), cases, indirect=["database_url"])


@pytest.fixture
def pipeline(database: Database, settings: Settings, sound: tuple[Filter, ...]) -> Iterator[Line]:
    """The pipeline, whose filters each test breaks."""
    with line(database, settings, sound) as ready:
        ready.adopt(time_limit_seconds=60)
        yield ready


def sealed(pipeline: Line) -> Job:
    """Return a job whose one output is a harmless text that waits to be scored."""
    job = pipeline.submit()
    with pipeline.database.transaction() as session:
        [claimed] = leases.claim_generating(session, [job.id], owner="test", seconds=60)
        jobs.seal(session, [(claimed, [Generated(TEXT, (1,), "end")])], actor="test")
    return job


def scored_with(pipeline: Line, filters: Sequence[Filter], duty: Duty | None = None) -> JobView:
    """Score a harmless text with other filters; return what became of it."""
    job = sealed(pipeline)
    worker, screener = pipeline.scorer._worker, Screener(pipeline.database, filters)
    Scorer(worker, screener, SIGNER, duty or pipeline.duty).score(job.id)
    return pipeline.look(job)[1]


def becomes_another(pipeline: Line, one: Filter, sound: Sequence[Filter], fault: str) -> Duty:
    """Have a filter change while a worker watches; it then refuses to score."""
    changing = Mutant(one)
    filters = [changing, *(each for each in sound if each is not one)]
    duty = Duty(proof_seconds=600)
    duty.note_passed()
    watch = Watch(
        pipeline.database, worker="test", filters=filters, duty=duty, interval_seconds=600
    )
    vars(changing).update(POLITE[fault](one))

    watch.prove()

    with pytest.raises(OutOfService):
        scored_with(pipeline, filters, duty)
    return duty


def not_flagged(views: dict[str, JobView]) -> list[str]:
    """Return for which filter a text got out, or before nobody's eyes."""
    return [
        name
        for name, view in views.items()
        for output in view.outputs
        if (output.state, output.text) != (OutputState.FLAGGED, None) or not output.flagged_by
    ]


def test_the_text_is_released_while_every_filter_is_sound(
    pipeline: Line, sound: tuple[Filter, ...]
) -> None:
    view = scored_with(pipeline, sound)

    assert (view.outputs[0].state, view.outputs[0].text) == (OutputState.RELEASED, TEXT)


@every(FAULTS, on_postgres="NaN")
def test_a_fault_in_any_filter_flags(pipeline: Line, sound: tuple[Filter, ...], fault: str) -> None:
    views = {
        each.name: scored_with(
            pipeline, [Mutant(one, FAULTS[fault]) if one is each else one for one in sound]
        )
        for each in sound
    }

    assert len(views) == len(sound)
    assert not_flagged(views) == []


@every(ABSENCES, on_postgres="deleted")
def test_a_filter_that_is_not_there_once_under_its_name_flags(
    pipeline: Line, sound: tuple[Filter, ...], fault: str
) -> None:
    views = {
        each.name: scored_with(
            pipeline, [*(one for one in sound if one is not each), *ABSENCES[fault](each)]
        )
        for each in sound
    }

    assert len(views) == len(sound)
    assert not_flagged(views) == []


@every(POLITE, on_postgres="a constant 0")
def test_a_filter_that_answers_politely_takes_its_worker_out_of_service(
    pipeline: Line, sound: tuple[Filter, ...], fault: str
) -> None:
    duties = [becomes_another(pipeline, each, sound, fault) for each in sound]

    stopped = [each for each, duty in zip(sound, duties, strict=True) if duty.ending is not None]

    assert stopped == list(sound)
