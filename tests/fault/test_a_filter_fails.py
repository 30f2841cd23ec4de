"""A filter raises, hangs, answers NaN, or is not there: the output is flagged."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from filters.contract import Filter, Reading, Sample
from registry.db.session import Database
from registry.jobs.states import JobState, OutputState
from registry.settings import Settings
from tests.support.line import line


class Broken:
    """A real filter whose answers pass through a fault."""

    def __init__(self, sound: Filter, fault: Callable[[list[Reading]], list[Reading]]) -> None:
        self.name, self.version, self.labels = sound.name, sound.version, sound.labels
        self.weights_digest = sound.weights_digest
        self._sound, self._fault = sound, fault

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        """Score, then break."""
        return self._fault(self._sound.score(samples))


def raises(_: list[Reading]) -> list[Reading]:
    raise RuntimeError("out of order")


def hangs(readings: list[Reading]) -> list[Reading]:
    time.sleep(5)
    return readings


def answers_nan(readings: list[Reading]) -> list[Reading]:
    return [
        replace(each, findings=tuple(replace(one, score=math.nan) for one in each.findings))
        for each in readings
    ]


def skips_the_end(readings: list[Reading]) -> list[Reading]:
    return [replace(each, covered=((0, 1),)) for each in readings]


def answers_nothing(_: list[Reading]) -> list[Reading]:
    return []


def forgets_its_labels(readings: list[Reading]) -> list[Reading]:
    return [replace(each, findings=()) for each in readings]


FILTERS = (
    "toxicity",
    "misuse",
    "secrets",
    "personal",
    "links",
    "repetition",
    "echo",
    "campaign",
)

each_position = pytest.mark.parametrize("position", range(len(FILTERS)), ids=FILTERS)


def test_every_filter_is_broken_here(sound: tuple[Filter, ...]) -> None:
    assert tuple(each.name for each in sound) == FILTERS


@each_position
@pytest.mark.parametrize(
    "fault", [raises, hangs, answers_nan, skips_the_end, answers_nothing, forgets_its_labels]
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_a_broken_filter_saw_is_flagged(
    database: Database,
    settings: Settings,
    sound: tuple[Filter, ...],
    position: int,
    fault: Callable[[list[Reading]], list[Reading]],
) -> None:
    filters = list(sound)
    filters[position] = Broken(sound[position], fault)
    with line(database, settings, filters) as pipeline:
        pipeline.adopt(time_limit_seconds=1)
        job = pipeline.submit()
        pipeline.generator.generate(job.id)

        pipeline.scorer.score(job.id)

        row, view = pipeline.look(job)
    output = view.outputs[0]
    assert row.state is JobState.DONE
    assert (output.state, output.text) == (OutputState.FLAGGED, None)
    assert (sound[position].name, "not_scored") in {
        (each.filter, each.label) for each in output.flagged_by
    }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sound_filters_release(
    database: Database, settings: Settings, sound: tuple[Filter, ...]
) -> None:
    with line(database, settings, sound) as pipeline:
        job = pipeline.submit()
        pipeline.generator.generate(job.id)

        pipeline.scorer.score(job.id)

        _, view = pipeline.look(job)
    assert view.outputs[0].state is OutputState.RELEASED
    assert view.outputs[0].text


@each_position
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_worker_without_a_filter_of_the_policy_releases_nothing(
    database: Database, settings: Settings, sound: tuple[Filter, ...], position: int
) -> None:
    filters = [each for number, each in enumerate(sound) if number != position]
    with line(database, settings, filters) as pipeline:
        job = pipeline.submit()
        pipeline.generator.generate(job.id)

        pipeline.scorer.score(job.id)

        _, view = pipeline.look(job)
    assert (view.outputs[0].state, view.outputs[0].text) == (OutputState.FLAGGED, None)
