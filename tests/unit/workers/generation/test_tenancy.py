"""Who stays in memory, and who leaves."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.generation.tenancy import BUSY_LOADS, IDLE_LOADS, Tenancy

LOAD = 10.0
HORIZON = 4000.0


def filled(budget: int, *digests: str, size: int = 1) -> Tenancy:
    """Return a tenancy with releases that were loaded at 0, 1, 2, and so on."""
    tenancy = Tenancy(budget)
    for now, digest in enumerate(digests):
        tenancy.add(digest, size_bytes=size, loading_seconds=LOAD, now=now)
    return tenancy


def leave(tenancy: Tenancy, size: int, now: float) -> list[str]:
    tenancy.ask_to_leave(size, now=now)
    return tenancy.take_out()


def test_nobody_leaves_while_there_is_room() -> None:
    tenancy = filled(3, "a", "b")

    assert tenancy.has_room(1)
    assert leave(tenancy, 1, now=1000) == []


def test_the_one_not_used_for_longest_leaves_first() -> None:
    tenancy = filled(3, "a", "b", "c")
    tenancy.begin_job("a", now=5)
    tenancy.end_job("a", now=6)

    assert leave(tenancy, 1, now=1000) == ["b"]


def test_as_many_leave_as_it_takes_and_no_more() -> None:
    tenancy = filled(3, "a", "b", "c")

    assert leave(tenancy, 2, now=1000) == ["a", "b"]
    assert tenancy.has_room(2)


def test_nobody_leaves_in_vain() -> None:
    tenancy = filled(2, "a", "b")
    tenancy.begin_job("b", now=30)

    assert leave(tenancy, 2, now=1 + LOAD) == []
    assert tenancy.begin_job("a", now=31)


def test_one_that_is_used_goes_after_all_that_are_not() -> None:
    tenancy = filled(2, "a", "b")
    tenancy.begin_job("a", now=5)

    assert leave(tenancy, 1, now=1000) == ["b"]


def test_one_that_leaves_takes_no_more_jobs_and_ends_those_it_has() -> None:
    tenancy = filled(1, "a")
    tenancy.begin_job("a", now=1)

    assert leave(tenancy, 1, now=1000) == []
    assert not tenancy.begin_job("a", now=1001)
    tenancy.end_job("a", now=1002)
    assert tenancy.take_out() == ["a"]


def test_one_that_is_used_stays_for_several_times_its_load() -> None:
    tenancy = filled(1, "a")
    tenancy.begin_job("a", now=1)
    end = BUSY_LOADS * LOAD

    assert tenancy.next_end(now=2) == end
    tenancy.ask_to_leave(1, now=end - 1)
    assert tenancy.begin_job("a", now=end - 1)
    tenancy.ask_to_leave(1, now=end)
    assert not tenancy.begin_job("a", now=end)


def test_one_that_is_not_used_stays_for_as_long_as_its_load_took() -> None:
    tenancy = filled(1, "a")
    tenancy.begin_job("a", now=1)
    tenancy.end_job("a", now=7)
    end = 7 + IDLE_LOADS * LOAD

    assert tenancy.next_end(now=8) == end
    assert leave(tenancy, 1, now=end - 1) == []
    assert leave(tenancy, 1, now=end) == ["a"]


def test_what_does_not_fit_is_not_taken_in() -> None:
    with pytest.raises(ValueError, match="no room"):
        filled(1, "a").add("b", size_bytes=1, loading_seconds=1, now=0)


class Simulation:
    """One worker, releases that always have jobs, and a clock."""

    def __init__(self, budget: int, sizes: Sequence[int], loads: Sequence[int]) -> None:
        self.tenancy = Tenancy(budget)
        self.sizes = sizes
        self.loads = loads
        self.now = 0.0
        self.loading_seconds = 0.0
        self.running: list[tuple[float, int]] = []
        self.done = [0] * len(sizes)
        self.wanted: list[int] = []

    def begin_jobs(self, job_seconds: float) -> None:
        """Let every release begin a job, or wait."""
        for number in range(len(self.sizes)):
            if any(release == number for _, release in self.running):
                continue
            if self.tenancy.begin_job(str(number), now=self.now):
                self.running.append((self.now + job_seconds, number))
            elif number not in self.wanted:
                self.wanted.append(number)

    def end_jobs(self) -> None:
        """End the jobs whose time has come."""
        for ends_at, number in list(self.running):
            if ends_at <= self.now:
                self.running.remove((ends_at, number))
                self.tenancy.end_job(str(number), now=self.now)
                self.done[number] += 1

    def run(self, seconds: float, job_seconds: float) -> None:
        """Do what the owner of a tenancy does, for so long."""
        while self.now < seconds:
            self.end_jobs()
            self.begin_jobs(job_seconds)
            if self.wanted:
                self.load(self.wanted[0])
            self.now += 1.0

    def load(self, number: int) -> None:
        size, takes = self.sizes[number], self.loads[number]
        self.tenancy.ask_to_leave(size, now=self.now)
        for gone in self.tenancy.take_out():
            assert all(str(release) != gone for _, release in self.running)
        if not self.tenancy.has_room(size):
            return
        self.now += takes
        self.loading_seconds += takes
        self.tenancy.add(str(number), size_bytes=size, loading_seconds=takes, now=self.now)
        self.wanted.remove(number)
        there = self.tenancy.all().values()
        assert sum(each.size_bytes for each in there) <= self.tenancy.budget_bytes


LOADS = st.integers(5, 60)


@settings(max_examples=30)
@given(loads=st.lists(LOADS, min_size=2, max_size=4), job_seconds=st.integers(1, 30))
def test_releases_that_need_all_the_room_take_turns_and_loading_takes_a_fifth_of_the_time(
    loads: list[int], job_seconds: int
) -> None:
    worker = Simulation(10, [10] * len(loads), loads)

    worker.run(HORIZON, job_seconds)

    assert worker.loading_seconds <= worker.now / (1 + BUSY_LOADS) + max(loads)
    assert all(done > 1 for done in worker.done)


@settings(max_examples=30)
@given(
    releases=st.lists(st.tuples(st.integers(1, 10), LOADS), min_size=2, max_size=4),
    job_seconds=st.integers(1, 30),
)
def test_releases_of_any_size_all_get_on(releases: list[tuple[int, int]], job_seconds: int) -> None:
    sizes, loads = zip(*releases, strict=True)
    worker = Simulation(10, sizes, loads)

    worker.run(HORIZON, job_seconds)

    assert all(done > 1 for done in worker.done)
