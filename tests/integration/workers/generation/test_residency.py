"""Two real releases, one budget: jobs go on beside a load, and nothing is lost when one fails."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from registry.db.session import Database
from registry.jobs.model import Job
from registry.jobs.states import JobState
from registry.releases.model import Release, ReleaseState
from registry.residents import service as residents
from registry.residents.model import ResidentRecord
from registry.settings import Settings
from tests.support.line import bring
from tests.support.works import CACHE_MEBIBYTES, Works, open_works
from workers.generation.llama import LlamaEngine
from workers.generation.residency import NotInMemory, Residency
from workers.generation.weighing import Weight
from workers.generator import Generator
from workers.presence import Presence

WAIT_SECONDS = 60


@pytest.fixture
def works(database: Database, settings: Settings, tmp_path: Path) -> Iterator[Works]:
    with open_works(database, settings, tmp_path) as opened:
        yield opened


def park(generator: Generator, job: Job) -> None:
    """Deliver a message of a job whose release is not in memory."""
    with pytest.raises(NotInMemory):
        generator.generate(job.id)


def is_in_memory(engines: Residency, release: Release) -> bool:
    return release.digest in engines.in_memory()


def is_handed_back(works: Works, job: Job, attempts: int) -> bool:
    row = works.job(job)
    return row.attempts == attempts and row.lease_owner is None


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    for _ in range(WAIT_SECONDS * 100):
        if condition():
            return
        threading.Event().wait(0.01)
    raise TimeoutError("it did not happen")


def test_jobs_of_a_loaded_release_are_done_while_another_is_loaded(works: Works) -> None:
    engines, generator = works.residency(works.size(works.first) + works.size(works.second))
    bring(engines, works.first.digest)
    gate = works.shelf.gates[works.second.digest] = threading.Event()
    waits, goes = works.submit(works.second), works.submit(works.first)
    park(generator, waits)
    until(lambda: any(each.is_loading and each.done_bytes for each in engines.residents()))

    generator.generate(goes.id)

    assert works.job(goes).state is JobState.SCORING
    assert (works.job(waits).state, works.job(waits).attempts) == (JobState.QUEUED, 0)
    assert works.paused == [works.first.digest, works.second.digest]
    gate.set()
    until(lambda: waits.id in works.messages())
    generator.generate(waits.id)
    assert works.job(waits).state is JobState.SCORING
    assert works.resumed == works.paused
    engines.close()


def test_releases_that_do_not_fit_together_take_turns(works: Works) -> None:
    size = works.size(works.first)
    engines, generator = works.residency(size + works.size(works.second) - 1)
    one, other = works.submit(works.first), works.submit(works.second)

    for job, release in ((one, works.first), (other, works.second)):
        park(generator, job)
        until(partial(is_in_memory, engines, release))
        generator.generate(job.id)

    assert {works.job(each).state for each in (one, other)} == {JobState.SCORING}
    assert engines.in_memory() == {works.second.digest: works.size(works.second)}
    engines.close()


def test_a_release_that_never_fits_fails_its_jobs_with_the_numbers(works: Works) -> None:
    engines, generator = works.residency(works.size(works.first) - 1)
    job = works.submit(works.first)

    park(generator, job)

    until(lambda: works.job(job).finished_at is not None)
    ended = works.job(job)
    assert (ended.state, ended.failure_code) == (JobState.FAILED, "release_too_large")
    assert "CORRAL_MEMORY_MEBIBYTES" in (ended.failure_detail or "")
    assert works.shelf.loads == []
    engines.close()


def test_a_load_that_fails_is_tried_again_until_the_attempts_are_used_up(works: Works) -> None:
    engines, generator = works.residency(1 << 30)
    works.shelf.failures[works.first.digest] = MemoryError()
    job = works.submit(works.first)

    for attempts in range(1, works.settings.job_attempts_limit + 1):
        park(generator, job)
        until(partial(is_handed_back, works, job, attempts))

    ended = works.job(job)
    assert (ended.state, ended.failure_code) == (JobState.FAILED, "generation_failed")
    assert (ended.failure_detail or "").startswith("MemoryError")
    engines.close()


def test_changed_bytes_quarantine_the_release_and_its_jobs_wait_unclaimed(works: Works) -> None:
    engines, generator = works.residency(1 << 30)
    path = works.weights(works.first)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
    job = works.submit(works.first)

    park(generator, job)

    until(lambda: works.state(works.first) is ReleaseState.QUARANTINED)
    waiting = works.job(job)
    assert (waiting.state, waiting.attempts, waiting.fence) == (JobState.QUEUED, 0, 0)
    assert works.messages() == []
    engines.close()


def test_closing_gives_up_a_load_and_sends_its_jobs_to_others(works: Works) -> None:
    engines, generator = works.residency(1 << 30)
    works.shelf.gates[works.first.digest] = threading.Event()  # never opened
    job = works.submit(works.first)
    park(generator, job)
    until(lambda: engines.residents() != [])

    engines.close()

    assert engines.in_memory() == {}
    assert works.messages() == [job.id]
    assert works.job(job).state is JobState.QUEUED


def test_what_is_in_memory_and_being_loaded_is_reported(works: Works) -> None:
    engines, generator = works.residency(1 << 30)
    presence = Presence(works.database, engines, worker="worker")
    digests = [works.first.digest, works.second.digest]
    bring(engines, works.first.digest)
    works.shelf.gates[works.second.digest] = threading.Event()  # never opened
    park(generator, works.submit(works.second))
    until(lambda: any(each.is_loading and each.done_bytes for each in engines.residents()))

    presence.look()
    seen = reported(works, digests)
    presence.stop()

    assert [each.is_loading for each in seen] == [False, True]
    assert seen[0].size_bytes == works.size(works.first)
    assert 0 < seen[1].done_bytes <= seen[1].total_bytes
    assert reported(works, digests) == []
    engines.close()


def reported(works: Works, digests: list[str]) -> list[ResidentRecord]:
    with works.database.reading() as session:
        found = residents.live(session, digests)
    return [each for digest in digests for each in found[digest]]


def test_what_a_release_is_weighed_at_is_what_its_engine_holds(works: Works) -> None:
    weighed: Weight = works.shelf.weigh(works.first.digest)

    engine = works.shelf.load(works.first.digest, lambda _: None)

    assert isinstance(engine, LlamaEngine)
    held = sum(each.numel() * each.element_size() for each in _weights(engine))
    assert weighed.cache_bytes == CACHE_MEBIBYTES << 20
    assert held == weighed.weights_bytes
    engine.close()


def _weights(engine: LlamaEngine) -> list[torch.Tensor]:
    """Return the tensors that an engine computes with, those in its products too."""
    forward: Any = engine._batcher._model._forward  # type: ignore[attr-defined]
    products = [forward._head]
    tensors = [forward._embedding, forward._norm]
    for layer in forward._layers:
        products += [layer.qkv, layer.out, layer.gate_up, layer.down]
        tensors += [layer.before_attention, layer.before_feed_forward]
    cells = [cell.cell_contents for each in products for cell in each.__closure__]
    return tensors + [each for each in cells if isinstance(each, torch.Tensor)]
