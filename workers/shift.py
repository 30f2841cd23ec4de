"""How a worker ends once it is told to: nothing new, some time for what runs, the rest goes back.

1. A message that comes from now on is left to others; those at hand go back to their queues.
2. Jobs that run may finish within the stated time.
3. The others are given back: their rows are let go with the attempt uncounted and sent at once,
   so what this worker still computes for them loses at the fence, and another one begins.
4. The process ends, whatever a thread of it still waits for.

A second signal skips to step 3.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any
from uuid import UUID

import structlog
from celery import bootsteps
from celery.worker import state

from registry.errors import JobMoved

log = structlog.get_logger(__name__)

EXIT_SECONDS = 3
LOOK_SECONDS = 0.1
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Shift:
    """Knows what runs in this process, and ends it on a signal.

    Args:
        seconds: How long what runs may take to finish.
        give_back: Lets go of those of these jobs that this worker holds, and sends them.
    """

    def __init__(self, *, seconds: float, give_back: Callable[[Sequence[UUID]], None]) -> None:
        self._seconds = seconds
        self._give_back = give_back
        self._running: list[UUID] = []
        self._lock = threading.Lock()
        self._signals: SimpleQueue[None] = SimpleQueue()
        self._is_told = False
        self._status = os.EX_OK
        self._returned = threading.Event()

    def listen(self) -> None:
        """Take the signals from now on; only the main thread may call this."""
        for each in SIGNALS:
            signal.signal(each, self._hear)
        threading.Thread(target=self._end, name="shift", daemon=True).start()

    @contextmanager
    def running(self, job_id: UUID) -> Iterator[None]:
        """Count a job as one that runs, inside the block.

        Raises:
            JobMoved: The worker is ending, and the job's message is back in its queue.
        """
        with self._lock:
            is_late = self._is_told
            if not is_late:
                self._running.append(job_id)
        if is_late:
            # Not sooner, or this worker would be the one that takes it again.
            self._returned.wait()
            raise JobMoved(f"job {job_id} is left to others: this worker is ending")
        try:
            yield
        finally:
            with self._lock:
                self._running.remove(job_id)

    def bootstep(self) -> type[bootsteps.StartStopStep]:
        """Return Celery's step that gives messages back before the jobs that run are awaited."""
        returned = self._returned

        class GiveMessagesBack(bootsteps.StartStopStep):  # type: ignore[misc]
            requires = ("celery.worker.components:Pool",)

            def stop(self, worker: Any) -> None:
                worker.consumer.shutdown()
                returned.set()

        return GiveMessagesBack

    def leave(self) -> None:
        """End the process if it was told to, whoever still computes, loads or waits."""
        if not self._is_told:
            return
        log.info("ended", running=len(self._running))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self._status)

    def end(self, status: int = os.EX_OK) -> None:
        """Begin to end; may be called by any thread. The first who says so sets the exit status."""
        # In a signal handler nothing may wait for a lock; these do not.
        if not self._is_told:
            self._status = status
        self._is_told = True
        state.should_stop = os.EX_OK
        self._signals.put(None)

    def _hear(self, *_: object) -> None:
        self.end()

    def _end(self) -> None:
        self._signals.get()
        log.info("told to end", running=len(self._running), seconds=self._seconds)
        self._wait(self._seconds)
        guard = threading.Timer(EXIT_SECONDS, self.leave)
        guard.daemon = True
        guard.start()
        while left := self._now_running():
            try:
                self._give_back(left)
            except Exception:
                log.exception("not given back; these jobs go on once their leases run out")
            self._wait(1.0)

    def _wait(self, seconds: float) -> None:
        """Wait until nothing runs, or for some time, or for the next signal."""
        deadline = time.monotonic() + seconds
        while self._now_running() and time.monotonic() < deadline:
            try:
                self._signals.get(timeout=LOOK_SECONDS)
            except Empty:
                continue
            return

    def _now_running(self) -> list[UUID]:
        with self._lock:
            return list(self._running)
