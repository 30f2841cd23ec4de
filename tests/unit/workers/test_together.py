import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from workers.together import MOST, Together

WAIT_SECONDS = 10


class Doubles:
    """A step that doubles numbers, remembers who took it together, and can be held up."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.may_go = threading.Event()
        self.may_go.set()

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        assert self.may_go.wait(WAIT_SECONDS)
        if -1 in numbers:
            raise LookupError("-1 has no double here")
        if -2 in numbers:
            return []
        return [2 * number for number in numbers]


def behind(doubles: Doubles, numbers: Sequence[int]) -> list[Future[int]]:
    """Take the step for 0, and for all these numbers while it is held up."""
    step = Together(doubles)
    doubles.may_go.clear()
    with ThreadPoolExecutor(len(numbers) + 1) as pool:
        first = pool.submit(step, 0)
        while not doubles.batches:
            pass
        others = []
        for number in numbers:
            others.append(pool.submit(step, number))
            while len(step._waiting) < len(others):
                pass
        doubles.may_go.set()
        return [first, *others]


def test_who_comes_alone_takes_it_alone() -> None:
    doubles = Doubles()
    step = Together(doubles)

    assert [step(1), step(2)] == [2, 4]
    assert doubles.batches == [[1], [2]]


def test_those_that_wait_at_the_same_moment_take_it_as_one_in_the_order_they_came() -> None:
    doubles = Doubles()

    answers = behind(doubles, [3, 1, 2])

    assert [each.result() for each in answers] == [0, 6, 2, 4]
    assert doubles.batches == [[0], [3, 1, 2]]


def test_no_more_than_so_many_take_it_as_one() -> None:
    doubles = Doubles()
    numbers = list(range(1, MOST + 3))

    answers = behind(doubles, numbers)

    assert [each.result() for each in answers[1:]] == [2 * number for number in numbers]
    assert doubles.batches == [[0], numbers[:MOST], numbers[MOST:]]


@pytest.mark.parametrize("number", [-1, -2])
def test_one_that_cannot_meets_its_own_error_and_the_others_take_it_again(number: int) -> None:
    doubles = Doubles()

    _, one, bad, other = behind(doubles, [1, number, 2])

    assert (one.result(), other.result()) == (2, 4)
    assert isinstance(bad.exception(), LookupError if number == -1 else ValueError)
    assert doubles.batches[:2] == [[0], [1, number, 2]]
    assert sorted(doubles.batches[2:]) == sorted([[1], [number], [2]])


def test_an_error_leaves_the_step_to_the_next() -> None:
    step = Together(Doubles())

    with pytest.raises(LookupError):
        step(-1)

    assert step(1) == 2


def test_even_the_end_of_a_thread_leaves_nobody_waiting() -> None:
    def leave(_: Sequence[int]) -> list[int]:
        raise SystemExit

    step = Together(leave)

    for _ in range(2):
        with pytest.raises(SystemExit):
            step(1)


def test_many_threads_get_their_own_answers() -> None:
    step = Together(Doubles())

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(step, range(2000))) == [2 * number for number in range(2000)]
