"""In which order a worker looks into its queues."""

from collections import Counter
from queue import Empty
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.jobs.lanes import Lane
from workers.queues import LookingCycle, generate_queue, score_queue

ONE, TWO = (generate_queue(letter * 64, Lane.INTERACTIVE) for letter in "ab")
ONE_BULK, TWO_BULK = (generate_queue(letter * 64, Lane.BULK) for letter in "ab")
QUEUES = [ONE, ONE_BULK, TWO, TWO_BULK]


class Broker:
    """Counts the messages of each queue, and notes which were taken."""

    def __init__(self, messages: dict[str, int]) -> None:
        self.messages = Counter(messages)
        self.taken: list[str] = []
        self.cycle = LookingCycle(self._take, list(messages))

    def _take(self, queue: str, callback: Any) -> None:
        del callback
        if not self.messages[queue]:
            raise Empty
        self.messages[queue] -= 1
        self.taken.append(queue)

    def take(self, count: int) -> list[str]:
        """Take messages; return the queues that they came from."""
        for _ in range(count):
            self.cycle.get(print)
        return self.taken


def test_of_four_messages_three_are_of_those_who_wait_and_one_is_of_a_bulk() -> None:
    taken = Broker({ONE: 100, ONE_BULK: 100}).take(40)

    assert Counter(taken) == {ONE: 30, ONE_BULK: 10}


def test_a_bulk_alone_has_every_look() -> None:
    taken = Broker({ONE: 0, ONE_BULK: 8}).take(8)

    assert taken == [ONE_BULK] * 8


def test_somebody_who_waits_is_behind_one_message_of_a_bulk_at_most() -> None:
    broker = Broker({ONE: 0, ONE_BULK: 100})
    for count in range(8):
        broker.take(1)
        broker.messages[ONE] = 1

        assert ONE in broker.take(2)[-2:], count


def test_releases_take_turns_in_each_lane() -> None:
    taken = Broker({ONE: 50, TWO: 50, ONE_BULK: 50, TWO_BULK: 50}).take(48)

    assert Counter(taken) == {ONE: 18, TWO: 18, ONE_BULK: 6, TWO_BULK: 6}


@given(st.fixed_dictionaries({each: st.integers(0, 9) for each in QUEUES}))
def test_every_message_is_taken_once(messages: dict[str, int]) -> None:
    broker = Broker(messages)

    taken = broker.take(sum(messages.values()))

    assert Counter(taken) == Counter({each: count for each, count in messages.items() if count})
    with pytest.raises(Empty):
        broker.take(1)


def test_what_waits_to_be_scored_has_lanes_too() -> None:
    taken = Broker({score_queue(lane): 40 for lane in Lane}).take(40)

    assert Counter(taken) == {score_queue(Lane.INTERACTIVE): 30, score_queue(Lane.BULK): 10}
