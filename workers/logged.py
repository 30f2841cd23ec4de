"""Progress of long work in the log of a process that nobody watches."""

import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

LOGGED_SECONDS = 5.0


def log_progress(what: str, total_bytes: int, **facts: str) -> Callable[[int], None]:
    """Return a function that is told how many more bytes are done, and logs it now and then.

    Args:
        what: The message.
        total_bytes: How many there are.
        facts: Go into every line beside ``done_bytes``, ``total_bytes`` and ``bytes_per_second``.
    """
    started_at = told_at = time.monotonic()
    done = 0

    def told(more: int) -> None:
        nonlocal done, told_at
        done += more
        now = time.monotonic()
        if now - told_at >= LOGGED_SECONDS:
            told_at = now
            rate = round(done / (now - started_at))
            log.info(what, done_bytes=done, total_bytes=total_bytes, bytes_per_second=rate, **facts)

    return told
