"""The filters of a running worker fail their check: it releases nothing more and says so."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import pytest

from filters.catalog import bundled_source, load_filters
from filters.contract import Filter, Reading, Sample
from registry.db.session import Database
from registry.jobs.states import JobState, OutputState
from registry.settings import Settings
from tests.support import stack
from tests.support.line import line
from tests.support.stack import Stack
from workers.duty import Ending, OutOfService


class EndsTheDuty:
    """A real filter; while it scores, the watch finds that the filters are not fit."""

    def __init__(self, sound: Filter) -> None:
        self.name, self.version, self.labels = sound.name, sound.version, sound.labels
        self.weights_digest = sound.weights_digest
        self._sound = sound
        self.found: Callable[[], object] = list

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        """Score while the worker goes out of service."""
        self.found()
        return self._sound.score(samples)


@pytest.mark.parametrize("attempts", [0, 2], ids=["first attempt", "last attempt"])
def test_what_a_worker_holds_when_its_filters_fail_is_handed_back_unreleased(
    database: Database, settings: Settings, attempts: int
) -> None:
    first, *rest = load_filters()
    watched = EndsTheDuty(first)
    with line(database, settings, [watched, *rest]) as pipeline:
        watched.found = lambda: pipeline.duty.end(Ending("canary_failed", "it is blind"))
        job = pipeline.submit()
        pipeline.generator.generate(job.id)
        pipeline.set_attempts(job, attempts)

        pipeline.scorer.score(job.id)

        row, view = pipeline.look(job)
        with pytest.raises(OutOfService):
            pipeline.scorer.score(job.id)
    assert (row.state, row.lease_owner) == (JobState.SCORING, None)
    assert (view.outputs[0].state, view.outputs[0].text) == (OutputState.PENDING, None)
    assert view.outputs[0].receipt is None


def watched_settings(folder: Path) -> Settings:
    """Return settings of a service that looks at its filters every second.

    Toxicity stands on a copy of the bundled weights, which the test may change.
    """
    source = bundled_source()
    folder.mkdir(parents=True, exist_ok=True)
    copy = shutil.copy(source.path, folder / "copy.ckpt")
    return stack.embedded(folder / "data").model_copy(
        update={
            "toxicity_checkpoint": Path(copy),
            "toxicity_checkpoint_sha256": source.digest,
            "toxicity_config_dir": source.config,
            "canary_interval_seconds": 1.0,
        }
    )


def flip(path: Path) -> None:
    """Flip one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def readiness(service: Stack) -> tuple[int, str | None]:
    """Return the status of ``readyz``, and what it says of the filters."""
    answer = httpx.get(f"{service.url}/readyz", timeout=10)
    return answer.status_code, answer.json()["reasons"].get("filters")


def test_changed_weights_take_the_worker_out_of_service_until_it_is_started_again(
    tmp_path: Path,
) -> None:
    settings = watched_settings(tmp_path)
    file = settings.toxicity_checkpoint
    assert file is not None
    with stack.running(settings) as service, service.client() as client:
        name = service.ready.release.name
        before = client.submit(name, "Once upon a time", max_new_tokens=4)["id"]
        assert service.wait_for(before).state is JobState.DONE
        assert readiness(service) == (200, None)

        flip(file)

        service.until(lambda: readiness(service) == (503, "weights_changed"))
        after = client.submit(name, "Once upon a time", max_new_tokens=4)["id"]
        service.until(lambda: service.job(after).state is JobState.SCORING)
        flip(file)
        with pytest.raises(TimeoutError):
            service.until(lambda: service.job(after).state is not JobState.SCORING, seconds=8)
        assert client.job(after)["outputs"][0]["text"] is None
        assert readiness(service) == (503, "weights_changed")
        service.stop("score")
        assert service.wait_for(after).state is JobState.DONE
        service.until(lambda: readiness(service) == (200, None))


def test_a_worker_that_starts_with_changed_weights_scores_nothing_and_says_so(
    tmp_path: Path,
) -> None:
    settings = watched_settings(tmp_path)
    assert settings.toxicity_checkpoint is not None
    flip(settings.toxicity_checkpoint)
    parts = ("generate", "schedule", "serve")
    with stack.running(settings, parts=parts) as service, service.client() as client:
        job = client.submit(service.ready.release.name, "Once", max_new_tokens=4)["id"]
        stack.start(service, "score")

        service.until(lambda: readiness(service) == (503, "bad_checkpoint"))

        assert client.job(job)["outputs"][0]["text"] is None
