"""The names of the queues, and in which order a worker looks into them.

Single prompts and bulks have queues apart. Of every four looks, three begin with the queues of
single prompts and one with those of bulks; what is empty is passed over. So somebody who waits
comes first, and a bulk has a quarter of the work however many there are.
"""

from collections.abc import Callable, Iterable
from queue import Empty
from typing import Any

from registry.jobs.lanes import Lane

LOOKS = 4
_BULK_ENDING = ".bulk"
_SCORE = "score"


def generate_queue(release_digest: str, lane: Lane) -> str:
    """Return the name of a release's queue: a machine serves the releases it holds."""
    return _in_lane(f"generate.{release_digest[:16]}", lane)


def score_queue(lane: Lane) -> str:
    """Return the name of the queue of what waits to be scored, or to have its prompt screened."""
    return _in_lane(_SCORE, lane)


def _in_lane(name: str, lane: Lane) -> str:
    return name + _BULK_ENDING if lane is Lane.BULK else name


class LookingOrder:
    """In which order to look into the queues; what Kombu calls a cycle.

    Queues of a lane take turns: the one that gave a message is the last to be asked again.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = list(names)
        self._look = 0

    def update(self, names: Iterable[str]) -> None:
        """Take other queues."""
        self._names[:] = names

    def consume(self, count: int) -> list[str]:
        """Return the first ``count`` queues in the order of this look."""
        bulk_first = self._look == LOOKS - 1
        return sorted(self._names, key=lambda name: name.endswith(_BULK_ENDING) != bulk_first)[
            :count
        ]

    def rotate(self, last_used: str) -> str:
        """Note that a queue gave a message, which ends a look."""
        self._look = (self._look + 1) % LOOKS
        if last_used in self._names:
            self._names.remove(last_used)
            self._names.append(last_used)
        return last_used


class LookingCycle:
    """The same order for brokers that are asked queue after queue.

    Args:
        take: Takes a message from a queue and hands it to the callback.
        names: The queues, a list that its owner changes.
    """

    def __init__(self, take: Callable[..., Any], names: list[str]) -> None:
        self._take = take
        self._given = names
        self._order = LookingOrder(names)

    def get(self, callback: Callable[..., Any], **options: Any) -> Any:
        """Take the next message.

        Raises:
            Empty: No queue has one.
        """
        for name in self._order.consume(len(self._given)):
            try:
                taken = self._take(name, callback, **options)
            except Empty:
                continue
            self._order.rotate(name)
            return taken
        raise Empty

    def close(self) -> None:
        """There is nothing to close."""
