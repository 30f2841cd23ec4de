"""An engine in a process of its own does what one in this process does."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.checkpoints.manifest import Manifest
from registry.errors import PromptTooLong, Unavailable
from registry.releases.store import Store
from tests.support.apart import CACHE_BYTES, LONG, WAIT_SECONDS, begin, never, request, untold
from workers.generation.apart import EngineProcess
from workers.generation.engine import Engine, GenerationCancelled
from workers.generation.loader import Loader
from workers.generation.reading import TamperedRelease


@pytest.fixture(scope="module")
def process(stored: tuple[Path, Manifest]) -> Iterator[EngineProcess]:
    """A process that no test ends."""
    lost = threading.Event()
    started = begin(stored[0], lost)
    yield started
    started.close()
    assert not lost.is_set()


@pytest.fixture
def engine(process: EngineProcess, stored: tuple[Path, Manifest]) -> Iterator[Engine]:
    loaded = process.load(stored[1].digest, stored[1], untold)
    yield loaded
    loaded.close()


def test_its_texts_are_those_of_an_engine_in_this_process(
    engine: Engine, stored: tuple[Path, Manifest]
) -> None:
    store, manifest = stored
    here = Loader(store, cache_bytes=CACHE_BYTES).load(manifest.digest, manifest, untold)
    requests = [request(seed=seed) for seed in range(8)]

    texts = [
        [each.result() for each in [one.submit(each, cancelled=never) for each in requests]]
        for one in (engine, here)
    ]

    assert texts[0] == texts[1]
    assert engine.release_digest == here.release_digest
    assert engine.context_tokens == here.context_tokens
    here.close()


def test_it_tells_what_it_computes_on(
    process: EngineProcess, stored: tuple[Path, Manifest]
) -> None:
    assert process.device == Loader(stored[0], cache_bytes=CACHE_BYTES).device


def test_all_bytes_of_a_load_are_told(
    process: EngineProcess, stored: tuple[Path, Manifest]
) -> None:
    told: list[int] = []

    process.load(stored[1].digest, stored[1], told.append).close()

    assert sum(told) == stored[1].total_bytes


def test_new_tokens_are_counted_now_and_then(engine: Engine) -> None:
    counts: list[int] = []

    futures = [
        engine.submit(request(LONG, seed), cancelled=never, counted=counts.append)
        for seed in range(8)
    ]
    for each in futures:
        each.result(WAIT_SECONDS)

    assert counts
    assert all(0 < each <= LONG for each in counts)


def test_a_request_that_nobody_wants_ends(engine: Engine) -> None:
    unwanted = threading.Event()
    futures = [engine.submit(request(LONG, seed), cancelled=unwanted.is_set) for seed in range(64)]

    unwanted.set()

    kinds = {type(each.exception(WAIT_SECONDS)) for each in futures}
    assert GenerationCancelled in kinds
    assert kinds <= {GenerationCancelled, type(None)}


def test_a_prompt_that_is_too_long_is_told_by_the_future(engine: Engine) -> None:
    future = engine.submit(request(LONG * 10), cancelled=never)

    with pytest.raises(PromptTooLong) as refusal:
        future.result(WAIT_SECONDS)

    assert refusal.value.facts["context_tokens"] == engine.context_tokens


def test_a_release_that_left_generates_no_more_and_can_come_again(
    process: EngineProcess, stored: tuple[Path, Manifest]
) -> None:
    gone = process.load(stored[1].digest, stored[1], untold)
    accepted = gone.submit(request(), cancelled=never)

    gone.close()

    assert accepted.done()
    with pytest.raises(Unavailable):
        gone.submit(request(), cancelled=never).result(WAIT_SECONDS)
    again = process.load(stored[1].digest, stored[1], untold)
    assert again.submit(request(), cancelled=never).result() == accepted.result()
    again.close()


def test_a_release_that_was_changed_is_refused_with_the_file_and_both_digests(
    process: EngineProcess, stored: tuple[Path, Manifest]
) -> None:
    store, manifest = stored
    path = Store(store).path_of(manifest.by_path["model.safetensors"].sha256)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))

    with pytest.raises(TamperedRelease) as refusal:
        process.load(manifest.digest, manifest, untold)
    path.write_bytes(whole)

    assert refusal.value.facts["file"] == "model.safetensors"
    assert refusal.value.facts["expected"] != refusal.value.facts["found"]
    process.load(manifest.digest, manifest, untold).close()


def test_a_load_that_is_given_up_ends_with_the_reason(
    process: EngineProcess, stored: tuple[Path, Manifest]
) -> None:
    def stop(_: int) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        process.load(stored[1].digest, stored[1], stop)

    process.load(stored[1].digest, stored[1], untold).close()


def test_the_signals_that_end_a_worker_leave_it_to_the_worker(
    engine: Engine, process: EngineProcess
) -> None:
    os.kill(process.pid, signal.SIGTERM)
    os.kill(process.pid, signal.SIGINT)

    assert engine.submit(request(), cancelled=never).result(WAIT_SECONDS).token_ids


def test_a_release_may_leave_twice(process: EngineProcess, stored: tuple[Path, Manifest]) -> None:
    engine = process.load(stored[1].digest, stored[1], untold)

    engine.close()
    engine.close()

    process.load(stored[1].digest, stored[1], untold).close()
