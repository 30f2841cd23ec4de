"""Who shares the next step of the model. Torch-free.

Rows wait in the order in which they came. One that there is room for is read first, its prompt
in parts that leave the others going, and adds one token at every step from then on; it leaves
when it is finished. One thread does all of this, so a model needs no locks.

The model's cache has a place for every row: first those that add tokens, then those that are
being read, of which only the first can be half read.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from registry.errors import Unavailable
from workers.generation.room import Room
from workers.generation.row import Row

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """What one row adds to a step.

    Attributes:
        row: The row.
        begin: The position of the first of the tokens.
        tokens: Some of its prompt, or its last token.
    """

    row: Row
    begin: int
    tokens: Sequence[int]

    @property
    def end(self) -> int:
        """The position after its last one."""
        return self.begin + len(self.tokens)

    @property
    def is_whole(self) -> bool:
        """Whether the row is read to its end by this, so that the next token follows."""
        return self.end == len(self.row.prompt_ids) + len(self.row.token_ids)


class Model(Protocol):
    """Computes tokens; has a place for each row."""

    def run(self, parts: Sequence[Part]) -> list[int]:
        """Compute a step; the part at each place of the list is that of the row in that place.

        Returns:
            The next token of each row that is whole, in their order.
        """

    def reserve(self, limits: Sequence[int]) -> None:
        """Have room for so many rows, each with so many positions; keep what is there."""

    def move(self, places: Sequence[tuple[int, int, int]]) -> None:
        """Move rows: from a place, to a place, so many positions; in this order."""


class Batcher:
    """Runs rows on a model, in a thread of its own, until it is closed."""

    def __init__(self, model: Model, *, room: Room, name: str) -> None:
        self._model = model
        self._room = room
        self._waiting: deque[Row] = deque()
        self._going: list[Row] = []
        self._reading: list[Row] = []
        self._changed = threading.Condition()
        self._is_closed = False
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def put(self, row: Row) -> None:
        """Let a row wait for its turn.

        Raises:
            PromptTooLong: It could never have room.
            Unavailable: The batcher was closed.
        """
        self._room.check(row)
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

    @property
    def _running(self) -> list[Row]:
        """The rows that have a place, in the order of their places."""
        return [*self._going, *self._reading]

    def _serve(self) -> None:
        try:
            while self._has_work():
                self._drop_cancelled()
                self._admit()
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
        self._let_go(running)
        for row in (*cancelled, *running):
            row.cancel()

    def _admit(self) -> None:
        """Give a place to the rows that there is room for, in the order in which they came."""
        fresh: list[Row] = []
        with self._changed:
            while self._waiting and self._room.fits([*self._running, *fresh, self._waiting[0]]):
                fresh.append(self._waiting.popleft())
        # From here on a future can no longer be cancelled by whoever holds it.
        fresh = [row for row in fresh if row.future.set_running_or_notify_cancel()]
        if not fresh:
            return
        try:
            self._model.reserve([row.tokens_limit for row in (*self._running, *fresh)])
        except Exception as error:  # noqa: BLE001 - whatever it is, these futures must end
            self._fail(fresh, error)
            return
        self._reading += fresh

    def _step(self) -> None:
        parts = self._parts()
        try:
            tokens = self._model.run(parts)
        except Exception as error:  # noqa: BLE001 - whatever it is, these futures must end
            failed = [part.row for part in parts]
            self._let_go(failed)
            self._fail(failed, error)
            return
        whole = [part.row for part in parts if part.is_whole]
        for part in parts:
            part.row.read = part.end
        self._going += [row for row in self._reading if row in whole]
        self._reading = [row for row in self._reading if row not in whole]
        for row, token in zip(whole, tokens, strict=True):
            row.push(token)
        finished = [row for row in whole if row.is_finished]
        self._let_go(finished)
        for row in finished:
            row.finish()

    def _parts(self) -> list[Part]:
        """Return what the next step computes: a token of all that go, then some reading."""
        parts = [Part(row, row.read, row.token_ids[-1:]) for row in self._going]
        left = self._room.chunk
        for row in self._reading:
            if left <= 0:
                break
            tokens = row.prompt_ids[row.read : row.read + left]
            parts.append(Part(row, row.read, tokens))
            left -= len(tokens)
        return parts

    def _let_go(self, rows: Sequence[Row]) -> None:
        """Take rows out, and close the gaps with as little moving as there can be."""
        if not rows:
            return
        gone = set(map(id, rows))
        before = {id(row): place for place, row in enumerate(self._running)}
        going = list(self._going)
        for place in reversed(range(len(going))):
            if id(going[place]) in gone:
                going[place] = going[-1]
                going.pop()
        self._going = going
        self._reading = [row for row in self._reading if id(row) not in gone]
        self._model.move(
            [
                (before[id(row)], place, row.read)
                for place, row in enumerate(self._running)
                if before[id(row)] != place and row.read
            ]
        )

    def _fail(self, rows: Sequence[Row], error: Exception) -> None:
        log.error("a batch failed", rows=len(rows), error=type(error).__name__)
        for row in rows:
            row.fail(error)
