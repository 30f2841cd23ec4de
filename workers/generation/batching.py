"""Who shares the next step of the model. Torch-free.

Rows wait in the order in which they came and join the running ones as soon as there is
room, between two steps; they leave when they are finished. One thread does all of this,
so a model needs no locks.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from registry.errors import Unavailable
from workers.generation.row import Row

log = structlog.get_logger(__name__)


class Model(Protocol):
    """Computes tokens for the rows it holds, which keep their order."""

    def join(self, rows: Sequence[Row]) -> list[int]:
        """Read the prompts of rows that join behind the others; return their first tokens.

        If it raises, the others are as they were before.
        """

    def step(self, rows: Sequence[Row]) -> list[int]:
        """Return the next token of every row it holds."""

    def keep(self, places: Sequence[int]) -> None:
        """Hold only the rows at these places from here on, in this order."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much may run at a time.

    Attributes:
        rows: Most rows.
        tokens: Most rows times tokens of the longest, the size of the cache; one row alone
            may always run.
    """

    rows: int = 32
    tokens: int = 16_384

    def fits(self, rows: Sequence[Row]) -> bool:
        """Return whether these may run together."""
        longest = max((row.tokens_limit for row in rows), default=0)
        return len(rows) <= 1 or (len(rows) <= self.rows and len(rows) * longest <= self.tokens)


class Batcher:
    """Runs rows on a model, in a thread of its own, until it is closed."""

    def __init__(self, model: Model, *, room: Room, name: str) -> None:
        self._model = model
        self._room = room
        self._waiting: deque[Row] = deque()
        self._running: list[Row] = []
        self._changed = threading.Condition()
        self._is_closed = False
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def put(self, row: Row) -> None:
        """Let a row wait for its turn.

        Raises:
            Unavailable: The batcher was closed.
        """
        with self._changed:
            if self._is_closed:
                raise Unavailable("the engine is closed: submit the job again")
            self._waiting.append(row)
            self._changed.notify()

    def close(self) -> None:
        """Take no more rows; return when those that are there have ended."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def _serve(self) -> None:
        try:
            while self._has_work():
                self._drop_cancelled()
                if fresh := self._next():
                    self._join(fresh)
                if self._running:
                    self._step()
        finally:
            # Only a mistake of ours comes here with rows left; nobody shall wait for them.
            with self._changed:
                self._is_closed = True
                left = [*self._running, *self._waiting]
            for row in left:
                row.fail(Unavailable("the engine stopped: submit the job again"))

    def _has_work(self) -> bool:
        """Wait for something to do; return whether there is, or will never be."""
        with self._changed:
            while not (self._waiting or self._running or self._is_closed):
                self._changed.wait()
            return bool(self._waiting or self._running)

    def _drop_cancelled(self) -> None:
        with self._changed:
            waiting = list(self._waiting)
        cancelled = [row for row in waiting if row.is_cancelled]
        with self._changed:
            for row in cancelled:
                self._waiting.remove(row)
        running = [row for row in self._running if row.is_cancelled]
        self._retain([row for row in self._running if row not in running])
        for row in (*cancelled, *running):
            row.cancel()

    def _next(self) -> list[Row]:
        """Return the rows that there is room for, in the order in which they came."""
        fresh: list[Row] = []
        with self._changed:
            while self._waiting and self._room.fits([*self._running, *fresh, self._waiting[0]]):
                fresh.append(self._waiting.popleft())
        # From here on a future can no longer be cancelled by whoever holds it.
        return [row for row in fresh if row.future.set_running_or_notify_cancel()]

    def _join(self, fresh: list[Row]) -> None:
        try:
            tokens = self._model.join(fresh)
        except Exception as error:  # noqa: BLE001 - whatever it is, these futures must end
            self._fail(fresh, error)
            return
        self._running += fresh
        self._push(fresh, tokens)

    def _step(self) -> None:
        try:
            tokens = self._model.step(self._running)
        except Exception as error:  # noqa: BLE001 - whatever it is, these futures must end
            failed = self._running
            self._retain([])
            self._fail(failed, error)
            return
        self._push(self._running, tokens)

    def _push(self, rows: Sequence[Row], tokens: Sequence[int]) -> None:
        for row, token in zip(rows, tokens, strict=True):
            row.push(token)
        finished = [row for row in rows if row.is_finished]
        self._retain([row for row in self._running if not row.is_finished])
        for row in finished:
            row.finish()

    def _retain(self, rows: list[Row]) -> None:
        if len(rows) < len(self._running):
            self._model.keep([self._running.index(row) for row in rows])
            self._running = rows

    def _fail(self, rows: Sequence[Row], error: Exception) -> None:
        log.error("a batch failed", rows=len(rows), error=type(error).__name__)
        for row in rows:
            row.fail(error)
