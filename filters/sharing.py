"""Many callers, one model: texts that wait at the same moment are scored in the same batch.

Several jobs are scored at once, and several filters ask about the same texts. A thread of its own
takes whatever waits, computes it together, and each text once; the newest results are kept so that
the second filter that asks finds them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Condition, Thread
from typing import Generic, TypeVar

Result = TypeVar("Result")

KEPT_TEXTS = 512
_LARGEST_BATCH = 64


class Shared(Generic[Result]):
    """Scores texts in one thread, for any number of callers. Safe to use from several threads.

    A batch that fails fails all who shared it, and nothing of it is kept: who asks again about
    one text alone is told about that text alone.
    """

    def __init__(self, compute: Callable[[Sequence[str]], Sequence[Result]]) -> None:
        self._compute = compute
        self._asked = Condition()
        self._waiting: OrderedDict[str, Future[Result]] = OrderedDict()
        self._kept: OrderedDict[str, Future[Result]] = OrderedDict()
        self._thread: Thread | None = None

    def score(self, texts: Sequence[str]) -> list[Result]:
        """Return what ``compute`` says about each text, in order.

        Raises:
            Exception: Whatever ``compute`` raised for the batch that one of the texts was in.
        """
        with self._asked:
            answers = [self._answer(text) for text in texts]
            if self._thread is None:
                self._thread = Thread(target=self._serve, name="classifier", daemon=True)
                self._thread.start()
            self._asked.notify()
        return [each.result() for each in answers]

    def forget(self) -> None:
        """Keep no result, so that whatever is asked from here on is computed."""
        with self._asked:
            self._kept = OrderedDict(self._waiting)

    def _answer(self, text: str) -> Future[Result]:
        """Return the answer that is kept or on its way, or ask for it."""
        if text not in self._kept:
            self._kept[text] = self._waiting[text] = Future()
        self._kept.move_to_end(text)
        return self._kept[text]

    def _serve(self) -> None:
        while True:
            batch = self._take()
            try:
                results = list(self._compute(list(batch)))
                if len(results) != len(batch):
                    raise ValueError("the classifier answered for another number of texts")  # noqa: TRY301
            except BaseException as error:  # noqa: BLE001  the callers are told, whatever it is
                self._forget(batch)
                for answer in batch.values():
                    answer.set_exception(error)
            else:
                for answer, result in zip(batch.values(), results, strict=True):
                    answer.set_result(result)

    def _take(self) -> dict[str, Future[Result]]:
        """Wait for texts; take the oldest ones."""
        with self._asked:
            self._asked.wait_for(lambda: self._waiting)
            taken = dict(
                self._waiting.popitem(last=False)
                for _ in range(min(len(self._waiting), _LARGEST_BATCH))
            )
            for text in list(self._kept)[:-KEPT_TEXTS]:
                if text not in self._waiting and text not in taken:
                    del self._kept[text]
            return taken

    def _forget(self, batch: dict[str, Future[Result]]) -> None:
        with self._asked:
            for text, answer in batch.items():
                if self._kept.get(text) is answer:
                    del self._kept[text]
