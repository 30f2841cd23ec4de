"""Which engines are in memory."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from registry.errors import Unavailable
from workers.generation.engine import GeneratedText, GenerationRequest
from workers.generation.residency import Residency

WAIT_SECONDS = 10


class Named:
    """An engine that only knows whose it is."""

    context_tokens = 1

    def __init__(self, digest: str) -> None:
        self.release_digest = digest
        self.is_closed = False

    def submit(
        self,
        request: GenerationRequest,
        *,
        cancelled: Callable[[], bool],
        counted: Callable[[int], None] | None = None,
    ) -> Future[GeneratedText]:
        raise NotImplementedError

    def close(self) -> None:
        self.is_closed = True


def test_an_engine_is_loaded_once_and_kept() -> None:
    engines = Residency(Named)

    assert engines.get("a") is engines.get("a")


def test_threads_that_ask_at_the_same_time_load_it_once() -> None:
    loads: list[str] = []
    may_load = threading.Event()

    def load(digest: str) -> Named:
        loads.append(digest)
        assert may_load.wait(WAIT_SECONDS)
        return Named(digest)

    engines = Residency(load)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(engines.get, "a") for _ in range(8)]
        may_load.set()

    assert len({id(each.result()) for each in answers}) == 1
    assert loads == ["a"]


def test_the_one_not_used_for_longest_makes_room() -> None:
    engines = Residency(Named, limit=2)
    first, second = engines.get("a"), engines.get("b")
    engines.get("a")

    engines.get("c")

    assert isinstance(first, Named)
    assert isinstance(second, Named)
    assert (first.is_closed, second.is_closed) == (False, True)
    assert engines.get("a") is first
    assert engines.get("b") is not second


def test_a_failed_load_is_told_and_tried_again() -> None:
    failures = [Unavailable("the disk is gone")]

    def load(digest: str) -> Named:
        if failures:
            raise failures.pop()
        return Named(digest)

    engines = Residency(load)

    with pytest.raises(Unavailable):
        engines.get("a")
    assert engines.get("a").release_digest == "a"


def test_closing_closes_every_engine_and_loads_no_more() -> None:
    engines = Residency(Named)
    held = [engines.get("a"), engines.get("b")]

    engines.close()

    assert all(isinstance(each, Named) and each.is_closed for each in held)
    with pytest.raises(Unavailable):
        engines.get("a")
