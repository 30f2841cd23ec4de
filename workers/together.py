"""Threads that come to the same step at the same moment take it as one.

A step is a transaction or a screening. For eight jobs it takes little more than for one, so the
more there is to do, the less each job takes; and who comes alone waits for nobody.

Invariant: those that take a step together all succeed. If one cannot, nothing of it has happened,
and each takes the step again by itself and meets its own error.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Condition
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = 32


class _Apart(Exception):
    """The step failed for those that took it together."""


class Together(Generic[Item, Result]):
    """A step that threads share. One of those that wait takes it for all of them.

    Args:
        take: Takes the step for some items, all or none; returns a result for each, in order.
    """

    def __init__(self, take: Callable[[Sequence[Item]], Sequence[Result]]) -> None:
        self._take = take
        self._waiting: list[tuple[Item, Future[Result]]] = []
        self._changed = Condition()
        self._is_taken = False

    def __call__(self, item: Item) -> Result:
        """Take the step for one item; return its result.

        Raises:
            Exception: Whatever the step raised for this item alone.
        """
        answer: Future[Result] = Future()
        with self._changed:
            self._waiting.append((item, answer))
        while batch := self._next(answer):
            try:
                self._answer(batch)
            finally:
                with self._changed:
                    self._is_taken = False
                    self._changed.notify_all()
        try:
            return answer.result()
        except _Apart:
            [result] = self._take([item])
            return result

    def _next(self, answer: Future[Result]) -> list[tuple[Item, Future[Result]]]:
        """Wait for the answer, or for the turn to take the step: then return for whom."""
        with self._changed:
            self._changed.wait_for(lambda: answer.done() or not self._is_taken)
            if answer.done():
                return []
            self._is_taken = True
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            return batch

    def _answer(self, batch: Sequence[tuple[Item, Future[Result]]]) -> None:
        try:
            results = self._take([item for item, _ in batch])
            answers = list(zip(batch, results, strict=True))
        except BaseException as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
            for _, answer in batch:
                answer.set_exception(error if len(batch) == 1 else _Apart())
        else:
            for (_, answer), result in answers:
                answer.set_result(result)
