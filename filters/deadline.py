"""Run a filter for a limited time.

Python cannot stop a thread, so a filter that hangs keeps its thread until it answers or the process
ends. It is not called again meanwhile: each call would only add another hanging thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock, Thread

from filters.contract import Filter, Reading, Sample

_lock = Lock()
_running: dict[int, tuple[Filter, Thread]] = {}


class FilterFailed(RuntimeError):
    """The filter raised; only the kind of error is told, since its words may quote the text."""


class TimedOut(FilterFailed):
    """The filter did not answer in time, or has not come back from an earlier call."""


def score_within(each: Filter, samples: Sequence[Sample], *, seconds: float) -> list[Reading]:
    """Return what ``each.score(samples)`` returns.

    Raises:
        TimedOut: It took longer than ``seconds``, or an earlier call has not come back.
        FilterFailed: It raised anything at all, even ``SystemExit``.
    """
    answer: list[list[Reading]] = []
    failure: list[str] = []

    def call() -> None:
        try:
            answer.append(list(each.score(samples)))
        except BaseException as error:  # noqa: BLE001  whatever it is, the texts are not scored
            failure.append(type(error).__name__)

    thread = Thread(target=call, name=f"filter-{each.name}", daemon=True)
    with _lock:
        if id(each) in _running and _running[id(each)][1].is_alive():
            raise TimedOut(f"filter {each.name} is still busy with an earlier batch")
        thread.start()
    thread.join(seconds)
    with _lock:
        if thread.is_alive():
            _running[id(each)] = (each, thread)  # The reference keeps the id from being used again.
            raise TimedOut(f"filter {each.name} took longer than {seconds} seconds")
        _running.pop(id(each), None)
    if failure:
        raise FilterFailed(f"filter {each.name} raised {failure[0]}")
    return answer[0]
