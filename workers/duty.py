"""Whether this worker may release, and the lock that makes the answer final.

Invariant: once ``end`` has returned, nothing of this worker is released any more. There is no
way back: a worker whose filters failed is started again by a person. Nothing is released on a
proof that is too old either, so a watch that hangs or died is no way around it.
"""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from registry.clock import now


class OutOfService(RuntimeError):
    """The filters of this worker failed their check; it settles nothing."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a worker is out of service.

    Attributes:
        reason: One stable word.
        detail: The same as a sentence.
    """

    reason: str
    detail: str


class Duty:
    """The service of one scoring worker, shared by its threads.

    Args:
        proof_seconds: How old the last proof of the filters may be.
    """

    def __init__(self, *, proof_seconds: float) -> None:
        self._lock = threading.Lock()
        self._proof_seconds = proof_seconds
        self._ending: Ending | None = None
        self._passed_at: datetime | None = None
        self._passed = -math.inf

    @property
    def ending(self) -> Ending | None:
        """Why the worker is out of service; ``None`` while it is in service."""
        return self._ending

    @property
    def passed_at(self) -> datetime | None:
        """When the canaries last passed."""
        return self._passed_at

    def note_passed(self) -> None:
        """Note that the canaries passed just now."""
        self._passed_at, self._passed = now(), time.monotonic()

    def end(self, ending: Ending) -> None:
        """Go out of service, once what is being settled at this moment is settled."""
        with self._lock:
            self._ending = self._ending or ending

    def check(self) -> None:
        """Check that the worker is in service.

        Raises:
            OutOfService: It is not, or its filters were not proven for too long.
        """
        if self._ending is not None:
            raise OutOfService(self._ending.detail)
        if time.monotonic() - self._passed > self._proof_seconds:
            raise OutOfService("the filters were not proven for too long")

    @contextmanager
    def settling(self) -> Iterator[None]:
        """Settle inside the block; the worker cannot go out of service meanwhile.

        Raises:
            OutOfService: It has done so before.
        """
        with self._lock:
            self.check()
            yield
