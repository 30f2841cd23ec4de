"""A release's queues are left to others while it is loaded, and taken again afterwards."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from celery import Celery

from registry.db.session import Database
from registry.jobs.lanes import Lane
from workers.app import _Queues
from workers.queues import generate_queue

DIGEST = "a" * 64
NAMES = {generate_queue(DIGEST, lane) for lane in Lane}


class Consumer:
    """Does later, in whatever order, what it is told to do soon, as Celery does."""

    def __init__(self) -> None:
        self.taken = set(NAMES)
        self.task_consumer = SimpleNamespace(queues=[SimpleNamespace(name=name) for name in NAMES])
        self._soon: list[tuple[Callable[..., None], Any]] = []

    def call_soon(self, do: Callable[..., None], given: Any) -> None:
        self._soon.append((do, given))

    def add_task_queue(self, name: str) -> None:
        self.taken.add(name)

    def cancel_task_queue(self, name: str) -> None:
        self.taken.discard(name)

    def catch_up(self, *, backwards: bool) -> None:
        todo, self._soon = self._soon, []
        for do, given in reversed(todo) if backwards else todo:
            do(given)


@pytest.fixture
def consumer() -> Consumer:
    return Consumer()


@pytest.fixture
def queues(consumer: Consumer) -> _Queues:
    made = _Queues(cast("Celery", None), cast("Database", None), None)
    made.stop()
    made.start(consumer)
    return made


@pytest.mark.parametrize("backwards", [False, True])
def test_a_release_that_was_loaded_quickly_is_served_again(
    queues: _Queues, consumer: Consumer, *, backwards: bool
) -> None:
    queues.pause(DIGEST)
    queues.resume(DIGEST)
    consumer.catch_up(backwards=backwards)

    assert consumer.taken == NAMES


def test_a_release_that_is_loaded_is_left_to_others(queues: _Queues, consumer: Consumer) -> None:
    queues.pause(DIGEST)
    consumer.catch_up(backwards=False)

    assert consumer.taken == set()


def test_a_release_that_is_not_served_here_stays_so(queues: _Queues, consumer: Consumer) -> None:
    queues.resume("b" * 64)
    consumer.catch_up(backwards=False)

    assert consumer.taken == NAMES
