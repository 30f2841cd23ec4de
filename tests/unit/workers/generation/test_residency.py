"""Which engines are in memory, and what those who wait for one are told."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from queue import Queue
from uuid import UUID, uuid4

import pytest

from registry.errors import ReleaseTooLarge, Unavailable
from registry.residents.service import Resident
from workers.generation.engine import Engine, GeneratedText, GenerationRequest
from workers.generation.residency import NotInMemory, Residency
from workers.generation.weighing import Weight

WAIT_SECONDS = 30


class Named:
    """An engine that only knows whose it is."""

    context_tokens = 1

    def __init__(self, digest: str) -> None:
        self.release_digest = digest
        self.is_closed = threading.Event()

    def submit(
        self,
        request: GenerationRequest,
        *,
        cancelled: Callable[[], bool],
        counted: Callable[[int], None] | None = None,
    ) -> Future[GeneratedText]:
        raise NotImplementedError

    def close(self) -> None:
        self.is_closed.set()


class Shelf:
    """Loads at once; a test may close the gate of a release, or let it fail."""

    def __init__(self) -> None:
        self.loads: list[str] = []
        self.sizes: dict[str, int] = {}
        self.gates: dict[str, threading.Event] = {}
        self.failures: dict[str, list[Exception]] = {}
        self.begun: Queue[str] = Queue()

    def weigh(self, digest: str) -> Weight:
        return Weight(self.sizes.get(digest, 1), 0, 100)

    def load(self, digest: str, told: Callable[[int], None]) -> Named:
        self.loads.append(digest)
        told(40)
        self.begun.put(digest)
        gate = self.gates.get(digest)
        while gate is not None and not gate.wait(0.001):
            told(0)
        if self.failures.get(digest):
            raise self.failures[digest].pop()
        return Named(digest)


class Told:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.wants: list[str] = []
        self.ends: Queue[tuple[str, list[UUID], Exception | None]] = Queue()

    def wanted(self, digest: str) -> None:
        self.wants.append(digest)

    def ended(self, digest: str, jobs: Sequence[UUID], error: Exception | None) -> None:
        self.ends.put((digest, list(jobs), error))


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def engines(shelf: Shelf, told: Told) -> Iterator[Residency]:
    """Room for two releases of size 1; loads take no time, so tenures are over at once."""
    made = Residency(shelf, budget_bytes=2, clock=Clock())
    made.start(told)
    yield made
    made.close()


def ask(engines: Residency, digest: str) -> UUID:
    """Ask for a release that is not there."""
    job_id = uuid4()
    with pytest.raises(NotInMemory), engines.using(digest, job_id=job_id):
        pass
    return job_id


def bring(engines: Residency, told: Told, digest: str) -> None:
    ask(engines, digest)
    assert told.ends.get(timeout=WAIT_SECONDS)[2] is None


def use(engines: Residency, digest: str) -> Engine:
    with engines.using(digest, job_id=uuid4()) as engine:
        return engine


def test_a_release_that_is_asked_for_is_loaded_once_and_kept(
    engines: Residency, told: Told, shelf: Shelf
) -> None:
    bring(engines, told, "a")

    assert use(engines, "a") is use(engines, "a")
    assert shelf.loads == ["a"]


def test_all_who_ask_while_it_is_loaded_are_told_once(
    engines: Residency, told: Told, shelf: Shelf
) -> None:
    gate = shelf.gates["a"] = threading.Event()
    jobs = {ask(engines, "a") for _ in range(8)}
    gate.set()

    digest, waited, error = told.ends.get(timeout=WAIT_SECONDS)

    assert (digest, set(waited), error) == ("a", jobs, None)
    assert (shelf.loads, told.wants) == (["a"], ["a"])


def test_jobs_of_a_loaded_release_go_on_while_another_is_loaded(
    engines: Residency, told: Told, shelf: Shelf
) -> None:
    bring(engines, told, "a")
    gate = shelf.gates["b"] = threading.Event()
    ask(engines, "b")
    assert shelf.begun.get(timeout=WAIT_SECONDS) == "a"
    assert shelf.begun.get(timeout=WAIT_SECONDS) == "b"

    assert use(engines, "a").release_digest == "a"

    assert engines.residents() == [
        Resident("a", size_bytes=1, is_loading=False, done_bytes=100, total_bytes=100),
        Resident("b", size_bytes=1, is_loading=True, done_bytes=40, total_bytes=100),
    ]
    gate.set()


def test_the_one_not_used_for_longest_makes_room(engines: Residency, told: Told) -> None:
    bring(engines, told, "a")
    bring(engines, told, "b")
    first = use(engines, "a")
    second = use(engines, "b")
    engines._clock.now = 1.0  # type: ignore[attr-defined]
    use(engines, "a")

    bring(engines, told, "c")

    assert isinstance(first, Named)
    assert isinstance(second, Named)
    assert (first.is_closed.is_set(), second.is_closed.is_set()) == (False, True)
    assert engines.in_memory() == {"a": 1, "c": 1}


def test_an_engine_that_runs_a_job_is_not_taken_away(
    engines: Residency, told: Told, shelf: Shelf
) -> None:
    shelf.sizes["b"] = 2
    bring(engines, told, "a")
    with ExitStack() as job:
        engine = job.enter_context(engines.using("a", job_id=uuid4()))
        assert isinstance(engine, Named)
        ask(engines, "b")
        later = _until_refused(engines, "a")
        assert not engine.is_closed.is_set()
        assert shelf.loads == ["a"]

    ends = [told.ends.get(timeout=WAIT_SECONDS) for _ in range(2)]

    assert engine.is_closed.is_set()
    assert [digest for digest, _, _ in ends] == ["b", "a"]
    assert later in ends[1][1]


def _until_refused(engines: Residency, digest: str) -> UUID:
    """Ask until the release is leaving; return the job that was refused."""
    while True:
        job_id = uuid4()
        try:
            with engines.using(digest, job_id=job_id):
                threading.Event().wait(0.001)
        except NotInMemory:
            return job_id


def test_a_release_that_never_fits_is_refused_with_the_numbers(
    engines: Residency, told: Told, shelf: Shelf
) -> None:
    bring(engines, told, "a")
    shelf.sizes["b"] = 3 << 20
    job = ask(engines, "b")

    _, jobs, error = told.ends.get(timeout=WAIT_SECONDS)

    assert isinstance(error, ReleaseTooLarge)
    assert "takes 3 MiB of memory" in str(error)
    assert (jobs, shelf.loads) == ([job], ["a"])
    assert use(engines, "a").release_digest == "a"


def test_a_failed_load_is_told_and_tried_again(
    engines: Residency, told: Told, shelf: Shelf
) -> None:
    shelf.failures["a"] = [Unavailable("the disk is gone")]
    ask(engines, "a")

    _, _, error = told.ends.get(timeout=WAIT_SECONDS)

    assert isinstance(error, Unavailable)
    bring(engines, told, "a")
    assert shelf.loads == ["a", "a"]


def test_what_is_told_may_fail_and_the_next_release_is_loaded(
    shelf: Shelf, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines = Residency(shelf, budget_bytes=2, clock=Clock())
    remember, ended = told.ended, threading.Event()

    def fail_once(digest: str, jobs: Sequence[UUID], error: Exception | None) -> None:
        if not ended.is_set():
            ended.set()
            raise OSError("no records")
        remember(digest, jobs, error)

    monkeypatch.setattr(told, "ended", fail_once)
    engines.start(told)
    ask(engines, "a")
    assert ended.wait(WAIT_SECONDS)

    bring(engines, told, "b")

    assert set(engines.in_memory()) == {"a", "b"}
    engines.close()


def test_closing_closes_every_engine_and_loads_no_more(
    engines: Residency, told: Told, shelf: Shelf
) -> None:
    bring(engines, told, "a")
    bring(engines, told, "b")
    held = [use(engines, "a"), use(engines, "b")]

    engines.close()

    assert all(isinstance(each, Named) and each.is_closed.is_set() for each in held)
    ask(engines, "a")
    assert shelf.loads == ["a", "b"]


def test_closing_gives_up_a_load_and_hands_out_who_waited(
    engines: Residency, told: Told, shelf: Shelf
) -> None:
    shelf.gates["a"] = threading.Event()  # never set
    first, second = ask(engines, "a"), ask(engines, "b")
    assert shelf.begun.get(timeout=WAIT_SECONDS) == "a"

    engines.close()

    ends = {digest: (jobs, error) for digest, jobs, error in _all(told)}
    assert ends == {"a": ([first], None), "b": ([second], None)}
    assert engines.residents() == []


def _all(told: Told) -> list[tuple[str, list[UUID], Exception | None]]:
    found = []
    with suppress(Exception):
        while True:
            found.append(told.ends.get_nowait())
    return found
