"""Whose turn it is to write to a SQLite file.

SQLite lets one transaction write, and has the others look again after pauses of up to a tenth of
a second: some are lucky, some wait long, and between two writers the file is idle. Here writers
queue up, threads and processes alike, and the next one starts at once.

Whoever does not queue up is still kept apart by SQLite: this is for speed alone.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

WAIT_SECONDS = 30
_ENDING = ".turn"


class Turns:
    """The queue of those who write to one file.

    Args:
        file: Path of the database; ``None`` where writers need not wait for one another.
    """

    def __init__(self, file: str | None) -> None:
        self._file = file
        self._lock = threading.Lock()

    @contextmanager
    def mine(self) -> Iterator[None]:
        """Wait for one's turn, and keep it inside the block.

        After ``WAIT_SECONDS`` behind another thread the block runs in any case.
        """
        if self._file is None or not self._lock.acquire(timeout=WAIT_SECONDS):
            yield
            return
        try:
            with self._among_processes():
                yield
        finally:
            self._lock.release()

    @contextmanager
    def _among_processes(self) -> Iterator[None]:
        """Keep the turn among processes, where the file system has locks and room for a file."""
        with ExitStack() as closing:
            with suppress(OSError):  # SQLite keeps writers apart by itself, and says what is wrong
                descriptor = os.open(f"{self._file}{_ENDING}", os.O_RDWR | os.O_CREAT, 0o600)
                closing.callback(os.close, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
