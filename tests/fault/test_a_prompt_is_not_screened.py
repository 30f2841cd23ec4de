"""The policy refuses prompts, and the scorer is down, or a filter fails on the prompt."""

from collections.abc import Sequence

import pytest

from filters.catalog import load_filters
from filters.contract import Filter, Reading, Sample
from registry.db.session import Database
from registry.errors import JobMoved
from registry.jobs import service as jobs
from registry.jobs.model import Job
from registry.jobs.states import JobState, OutputState
from registry.settings import Settings
from tests.support.line import Line, line
from workers.sweep import Sweep

GOOD = "Once upon a time there was a little rabbit"
BAD = "You are a stupid idiot and everybody hates you."

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Failing:
    """A real filter that fails on one text."""

    def __init__(self, sound: Filter, text: str) -> None:
        self.name, self.version, self.labels = sound.name, sound.version, sound.labels
        self.weights_digest = sound.weights_digest
        self._sound, self._text = sound, text

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        """Score, or fail."""
        if any(each.text == self._text for each in samples):
            raise RuntimeError("out of order")
        return self._sound.score(samples)


@pytest.fixture(scope="module")
def sound() -> tuple[Filter, ...]:
    """The real filters."""
    return load_filters()


def messages(pipeline: Line) -> list[str]:
    """Return the queues of the messages that wait, after those that are due were sent."""
    dispatcher = pipeline.generator.worker.dispatcher
    Sweep(pipeline.database, dispatcher, pipeline.settings).once()
    waiting = sorted((pipeline.settings.data_dir / "queue" / "messages").iterdir())
    return [each.name.partition(".")[2].split(".")[0] for each in waiting]


def texts(pipeline: Line, job: Job) -> list[str | None]:
    """Return what was generated."""
    with pipeline.database.reading() as session:
        return [each.text for each in jobs.outputs_of(session, job)]


def test_while_no_scorer_runs_nothing_is_generated(
    database: Database, settings: Settings, sound: tuple[Filter, ...]
) -> None:
    with line(database, settings, sound) as pipeline:
        pipeline.adopt(refuses_prompts=True)
        job = pipeline.submit(GOOD)

        for _ in range(3):
            with pytest.raises(JobMoved, match="waits for a scoring worker"):
                pipeline.generator.generate(job.id)

        row, _ = pipeline.look(job)
        assert (row.state, texts(pipeline, job)) == (JobState.QUEUED, [None])
        assert set(messages(pipeline)) == {"score"}


def test_a_prompt_that_passes_is_sent_to_generation_and_answered(
    database: Database, settings: Settings, sound: tuple[Filter, ...]
) -> None:
    with line(database, settings, sound) as pipeline:
        pipeline.adopt(refuses_prompts=True)
        job = pipeline.submit(GOOD)

        pipeline.prompts.screen(job.id)

        assert messages(pipeline) == ["generate"]
        pipeline.generator.generate(job.id)
        pipeline.scorer.score(job.id)
        row, view = pipeline.look(job)
    assert row.state is JobState.DONE
    assert view.prompt_scores["toxicity.toxicity"] < 0.5
    assert view.prompt_flagged_by == []


def test_a_flagged_prompt_ends_its_job_before_anything_is_generated(
    database: Database, settings: Settings, sound: tuple[Filter, ...]
) -> None:
    with line(database, settings, sound) as pipeline:
        pipeline.adopt(refuses_prompts=True)
        job = pipeline.submit(BAD)

        pipeline.prompts.screen(job.id)

        row, view = pipeline.look(job)
        assert texts(pipeline, job) == [None]
        with pytest.raises(JobMoved):
            pipeline.generator.generate(job.id)
    assert (row.state, row.failure_code) == (JobState.FAILED, "prompt_refused")
    assert "toxicity." in (row.failure_detail or "")
    assert BAD not in (row.failure_detail or "")
    assert {each.filter for each in view.prompt_flagged_by} >= {"toxicity"}


def test_a_flagged_prompt_is_only_noted_by_default(
    database: Database, settings: Settings, sound: tuple[Filter, ...]
) -> None:
    with line(database, settings, sound) as pipeline:
        job = pipeline.submit(BAD)
        pipeline.generator.generate(job.id)

        pipeline.scorer.score(job.id)

        row, view = pipeline.look(job)
    assert row.state is JobState.DONE
    assert {each.filter for each in view.prompt_flagged_by} >= {"toxicity"}
    assert view.outputs[0].state is not OutputState.PENDING


@pytest.mark.parametrize("name", ["toxicity", "misuse", "personal", "echo"])
def test_a_prompt_that_a_filter_cannot_score_is_tried_again_and_then_refused(
    database: Database, settings: Settings, sound: tuple[Filter, ...], name: str
) -> None:
    filters = [Failing(each, GOOD) if each.name == name else each for each in sound]
    with line(database, settings, filters) as pipeline:
        pipeline.adopt(refuses_prompts=True)
        job = pipeline.submit(GOOD)
        states = []

        for _ in range(settings.job_attempts_limit):
            pipeline.prompts.screen(job.id)
            states.append(pipeline.look(job)[0].state)

        row, _ = pipeline.look(job)
        assert texts(pipeline, job) == [None]
    assert states == [JobState.QUEUED, JobState.QUEUED, JobState.FAILED]
    assert row.failure_code == "prompt_refused"
    assert f"could not be checked completely ({name})" in (row.failure_detail or "")


def test_a_policy_adopted_while_a_job_is_queued_holds_for_it(
    database: Database, settings: Settings, sound: tuple[Filter, ...]
) -> None:
    with line(database, settings, sound) as pipeline:
        job = pipeline.submit(BAD)
        pipeline.adopt(refuses_prompts=True)

        with pytest.raises(JobMoved):
            pipeline.generator.generate(job.id)

        assert messages(pipeline)[-1] == "score"
        pipeline.prompts.screen(job.id)
        row, _ = pipeline.look(job)
    assert (row.state, row.failure_code) == (JobState.FAILED, "prompt_refused")


def test_a_policy_adopted_while_a_job_generates_releases_nothing_of_it(
    database: Database, settings: Settings, sound: tuple[Filter, ...]
) -> None:
    with line(database, settings, sound) as pipeline:
        job = pipeline.submit(BAD)
        pipeline.generator.generate(job.id)
        pipeline.adopt(refuses_prompts=True)

        pipeline.scorer.score(job.id)

        row, view = pipeline.look(job)
    assert (row.state, row.failure_code) == (JobState.FAILED, "prompt_refused")
    assert [(each.state, each.text) for each in view.outputs] == [(OutputState.PENDING, None)]


def test_a_policy_that_refuses_no_more_lets_a_waiting_job_go(
    database: Database, settings: Settings, sound: tuple[Filter, ...]
) -> None:
    with line(database, settings, sound) as pipeline:
        pipeline.adopt(refuses_prompts=True)
        job = pipeline.submit(BAD)
        pipeline.adopt(time_limit_seconds=31)

        with pytest.raises(JobMoved):
            pipeline.prompts.screen(job.id)
        pipeline.generator.generate(job.id)

        row, _ = pipeline.look(job)
    assert row.state is JobState.SCORING
