"""Which releases are in memory: loaded when first asked for, gone when others need the room."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future

from registry.errors import Unavailable
from workers.generation.engine import Engine


class Residency:
    """Keeps the engines that were used last.

    Args:
        load: Makes the engine of a release from its digest; may take minutes.
        limit: How many engines to keep, those that are being loaded included.
    """

    def __init__(self, load: Callable[[str], Engine], *, limit: int = 2) -> None:
        self._load = load
        self._limit = limit
        self._engines: OrderedDict[str, Future[Engine]] = OrderedDict()
        self._lock = threading.Lock()
        self._is_closed = False

    def get(self, digest: str) -> Engine:
        """Return the engine of a release; load it if it is not there, once for all who ask.

        Raises:
            Unavailable: Everything is being closed.
            CorralError: What ``load`` raises, to all who were waiting; the next who asks
                tries again.
        """
        with self._lock:
            if self._is_closed:
                raise Unavailable("the worker is stopping")
            known = self._engines.get(digest)
            if known is not None:
                self._engines.move_to_end(digest)
                evicted = []
            else:
                evicted = self._make_room()
                mine = self._engines[digest] = Future[Engine]()
        if known is not None:
            return known.result()
        for each in evicted:
            _close(each)
        try:
            mine.set_result(self._load(digest))
        except BaseException as error:
            with self._lock:
                if self._engines.get(digest) is mine:
                    del self._engines[digest]
            mine.set_exception(error)
            raise
        return mine.result()

    def close(self) -> None:
        """Close all engines, also those that are still being loaded."""
        with self._lock:
            self._is_closed = True
            engines = list(self._engines.values())
            self._engines.clear()
        for each in engines:
            _close(each)

    def _make_room(self) -> list[Future[Engine]]:
        """Take out those that were not used for longest, so that one more has room."""
        surplus = max(0, len(self._engines) + 1 - self._limit)
        return [self._engines.popitem(last=False)[1] for _ in range(surplus)]


def _close(engine: Future[Engine]) -> None:
    if engine.exception() is None:
        engine.result().close()
