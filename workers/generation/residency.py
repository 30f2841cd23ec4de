"""The releases in memory: loaded when a job asks for them, gone when others need the room.

Loading has a thread of its own, and no job waits for it in a thread: a job whose release is not
there is told so at once and leaves its identifier, which is handed out when the load has ended.
One release is loaded at a time. Who leaves for it, and when, is said in ``tenancy``.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol
from uuid import UUID

import structlog

from registry.errors import Conflict, ReleaseTooLarge, Unavailable
from registry.residents.service import Resident
from workers.generation.engine import Engine
from workers.generation.tenancy import Tenancy
from workers.generation.weighing import Weight

log = structlog.get_logger(__name__)

CLOSE_SECONDS = 2.0
"""How long closing waits for a load to stop, which looks for that with every part it reads."""


class NotInMemory(Conflict):
    """The release is not in memory; it is being loaded, and the job is remembered."""

    code = "not_in_memory"


class Shelf(Protocol):
    """Where releases come from."""

    def weigh(self, digest: str) -> Weight:
        """Return what a release will take, without loading it."""

    def load(self, digest: str, told: Callable[[int], None]) -> Engine:
        """Load a release; tell how many more bytes were read, and stop where that raises."""


class Audience(Protocol):
    """Who wants to know about loads."""

    def wanted(self, digest: str) -> None:
        """A release is not in memory, and the first job waits for it; must be quick."""

    def ended(self, digest: str, jobs: Sequence[UUID], error: Exception | None) -> None:
        """A load has ended, for these jobs, or failed; or nothing more is loaded."""


class Residency:
    """Keeps engines within a budget of memory.

    Args:
        shelf: Weighs and loads.
        budget_bytes: What all engines may take together.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        shelf: Shelf,
        *,
        budget_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shelf = shelf
        self._clock = clock
        self._tenancy = Tenancy(budget_bytes)
        self._engines: dict[str, Engine] = {}
        self._waiting: dict[str, set[UUID]] = {}
        self._file_bytes: dict[str, int] = {}
        self._loading: Resident | None = None
        self._changed = threading.Condition()
        self._is_closed = False
        self._audience: Audience | None = None
        self._thread = threading.Thread(target=self._serve, name="residency", daemon=True)

    def start(self, audience: Audience) -> None:
        """Begin to load what is asked for."""
        self._audience = audience
        self._thread.start()

    @contextmanager
    def using(self, digest: str, *, job_id: UUID) -> Iterator[Engine]:
        """Hold the engine of a release inside the block; it stays until then.

        Raises:
            NotInMemory: It is loaded first, and the job is among those that are then handed out;
                or everything is being closed.
        """
        engine = self._begin(digest, job_id)
        try:
            yield engine
        finally:
            with self._changed:
                self._tenancy.end_job(digest, now=self._clock())
                self._changed.notify_all()

    def in_memory(self) -> dict[str, int]:
        """Return what each release that is in memory takes, in bytes."""
        with self._changed:
            return {digest: each.size_bytes for digest, each in self._tenancy.all().items()}

    def residents(self) -> list[Resident]:
        """Return the releases that are in memory, and the one that is being loaded."""
        loading = self._loading
        there = [
            Resident(
                digest,
                size_bytes=size,
                is_loading=False,
                done_bytes=self._file_bytes[digest],
                total_bytes=self._file_bytes[digest],
            )
            for digest, size in self.in_memory().items()
        ]
        return there if loading is None else [*there, loading]

    def close(self) -> None:
        """Load nothing more, and close all engines; a load that is going on is given up."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            waited_for = list(self._waiting)
        for digest in waited_for:
            self._end(digest, None)
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)
        with self._changed:
            engines = list(self._engines.values())
            self._engines.clear()
        for each in engines:
            each.close()

    def _begin(self, digest: str, job_id: UUID) -> Engine:
        with self._changed:
            if self._is_closed:
                raise NotInMemory(f"job {job_id} waits: the worker is stopping", job=str(job_id))
            if self._tenancy.begin_job(digest, now=self._clock()):
                return self._engines[digest]
            if digest not in self._waiting and self._audience is not None:
                # Under the lock, so that it is told before the end of the load is.
                self._audience.wanted(digest)
            self._waiting.setdefault(digest, set()).add(job_id)
            self._changed.notify_all()
        raise NotInMemory(f"job {job_id} waits until {digest[:12]} is loaded", job=str(job_id))

    def _serve(self) -> None:
        while (digest := self._next_wanted()) is not None:
            self._end(digest, self._try(digest))

    def _next_wanted(self) -> str | None:
        """Wait for a release that is waited for; return it, or ``None`` once all is closed."""
        with self._changed:
            while not (self._waiting or self._is_closed):
                self._changed.wait()
            return None if self._is_closed else next(iter(self._waiting))

    def _try(self, digest: str) -> Exception | None:
        """Load a release; return why it is not loaded."""
        try:
            self._bring(digest)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait are told
            return error
        return None

    def _bring(self, digest: str) -> None:
        """Load a release once there is room for it."""
        weight = self._shelf.weigh(digest)
        if weight.size_bytes > self._tenancy.budget_bytes:
            raise ReleaseTooLarge(
                digest,
                weights_bytes=weight.weights_bytes,
                cache_bytes=weight.cache_bytes,
                budget_bytes=self._tenancy.budget_bytes,
            )
        self._make_room(weight.size_bytes)
        began = self._clock()
        self._file_bytes[digest] = weight.file_bytes
        self._loading = Resident(
            digest,
            size_bytes=weight.size_bytes,
            is_loading=True,
            done_bytes=0,
            total_bytes=weight.file_bytes,
        )
        try:
            engine = self._shelf.load(digest, self._told)
        finally:
            self._loading = None
        with self._changed:
            if not self._is_closed:
                now = self._clock()
                self._engines[digest] = engine
                self._tenancy.add(
                    digest, size_bytes=weight.size_bytes, loading_seconds=now - began, now=now
                )
                return
        engine.close()

    def _make_room(self, size_bytes: int) -> None:
        """Wait until a release of this size fits; let others leave for it."""
        while True:
            with self._changed:
                self._check_open()
                now = self._clock()
                self._tenancy.ask_to_leave(size_bytes, now=now)
                gone = [(each, self._engines.pop(each)) for each in self._tenancy.take_out()]
                if not gone:
                    if self._tenancy.has_room(size_bytes):
                        return
                    end = self._tenancy.next_end(now=now)
                    self._changed.wait(None if end is None else end - now)
            for digest, engine in gone:
                engine.close()
                log.info("release left memory", digest=digest[:12])

    def _told(self, more: int) -> None:
        """Note progress; this is where a load is given up."""
        self._check_open()
        if self._loading is not None:
            self._loading = replace(self._loading, done_bytes=self._loading.done_bytes + more)

    def _check_open(self) -> None:
        if self._is_closed:
            raise Unavailable("the worker is stopping")

    def _end(self, digest: str, error: Exception | None) -> None:
        """Tell who waited; a worker that stops lets others have the jobs, whatever happened."""
        with self._changed:
            jobs = sorted(self._waiting.pop(digest, ()))
            error = None if self._is_closed else error
        if self._audience is None or not jobs:
            return
        try:
            self._audience.ended(digest, jobs, error)
        except Exception:
            log.exception("jobs that waited for a load were not looked after; the sweep does it")
