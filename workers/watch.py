"""One thread of a scoring worker proves its filters again and again, and reports.

A filter that fails ends the worker's duty: it settles nothing more, takes no more jobs, and
says why in the records, where ``readyz`` finds it. A report that cannot be written is written
at a later beat; what the worker does never waits for it.
"""

import threading
import time
from collections.abc import Callable, Sequence

import structlog

from filters.canaries import CanaryFailed, check_canaries
from filters.catalog import describe
from filters.contract import Filter
from filters.fingerprint import WeightsChanged
from registry.db.session import Database
from registry.scorers import service as scorers
from workers.duty import Duty, Ending

log = structlog.get_logger(__name__)

BEAT_SECONDS = 5.0
CHECK_FAILED = "check_failed"
IDENTITY_CHANGED = "identity_changed"


class Watch:
    """Looks after the filters of one worker until it is stopped.

    Args:
        database: Where it reports.
        worker: The worker's name.
        filters: Proven already, by whoever loaded them.
        duty: What it ends.
        interval_seconds: Pause between two proofs.
        when_ended: Called once when the duty ends, in the watch's thread.
    """

    def __init__(
        self,
        database: Database,
        *,
        worker: str,
        filters: Sequence[Filter],
        duty: Duty,
        interval_seconds: float,
        when_ended: Callable[[], None] | None = None,
    ) -> None:
        self._database = database
        self._worker = worker
        self._filters = filters
        self._identities = describe(filters)
        self._duty = duty
        self._interval_seconds = interval_seconds
        self._when_ended = when_ended
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching, and leave the list of live workers."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._database.transaction() as session:
            scorers.leave(session, worker=self._worker)

    def prove(self) -> None:
        """Check the filters once; end the duty if they fail."""
        ending = self._find_fault()
        if ending is None:
            self._duty.note_passed()
            return
        self._duty.end(ending)
        log.error("out of service", reason=ending.reason, detail=ending.detail)
        if self._when_ended is not None:
            self._when_ended()

    def report(self) -> None:
        """Write down that this worker is alive, and whether it is in service."""
        ending = self._duty.ending
        with self._database.transaction() as session:
            scorers.report(
                session,
                worker=self._worker,
                checked_at=self._duty.passed_at,
                reason=None if ending is None else ending.reason,
                detail=None if ending is None else ending.detail,
            )

    def _run(self) -> None:
        self._try_report()
        proven = time.monotonic()
        while not self._stopped.wait(min(BEAT_SECONDS, self._interval_seconds)):
            due = time.monotonic() - proven >= self._interval_seconds
            if due and self._duty.ending is None:
                self.prove()
                proven = time.monotonic()
            self._try_report()

    def _find_fault(self) -> Ending | None:
        """Return why the filters are not fit; whatever goes wrong with the check is a fault."""
        try:
            check_canaries(self._filters)
            if describe(self._filters) != self._identities:
                return Ending(IDENTITY_CHANGED, "a filter is no longer the one that was loaded")
        except (CanaryFailed, WeightsChanged) as fault:
            return Ending(fault.reason, str(fault))
        except Exception as error:
            log.exception("the filters could not be checked")
            return Ending(CHECK_FAILED, f"the check raised {type(error).__name__}")
        return None

    def _try_report(self) -> None:
        try:
            self.report()
        except Exception:
            log.exception("not reported; it is tried again at the next beat")
