"""Find what was lost, send it again, and give ledger entries their order.

Every step is a transaction of its own, and one that fails does not stop the others. Any
number of sweeps may run at once: rows are taken with ``SKIP LOCKED``, and the ledger has one
sequencer at a time.
"""

from collections.abc import Callable

import structlog

from registry.db.session import Database
from registry.errors import JobMoved
from registry.jobs import recovery, turns
from registry.ledger import service as ledger
from registry.settings import Settings
from workers.dispatch import Dispatcher

log = structlog.get_logger(__name__)


class Sweep:
    """Puts right what messages and workers lost."""

    def __init__(self, database: Database, dispatcher: Dispatcher, settings: Settings) -> None:
        self._database = database
        self._dispatcher = dispatcher
        self._settings = settings

    def once(self) -> dict[str, int]:
        """Run every step; return how many rows each one moved."""
        steps: dict[str, Callable[[], int]] = {
            "recovered": self._recover,
            "quarantined": self._stop_quarantined,
            "withdrawn": self._fail_withdrawn,
            "sent": self._send,
            "let_in": self._let_in,
            "sequenced": self._sequence,
        }
        return {name: _try(name, step) for name, step in steps.items()}

    def _recover(self) -> int:
        with self._database.transaction() as session:
            return recovery.recover(session, attempts_limit=self._settings.job_attempts_limit)

    def _stop_quarantined(self) -> int:
        with self._database.transaction() as session:
            return recovery.stop_quarantined(session)

    def _fail_withdrawn(self) -> int:
        with self._database.transaction() as session:
            return recovery.fail_withdrawn(session)

    def _send(self) -> int:
        with self._database.transaction() as session:
            waiting = recovery.due(session)
            self._dispatcher.send_all_after_commit(session, waiting)
            return len(waiting)

    def _let_in(self) -> int:
        """Send the jobs whose turn it is, release by release."""
        with self._database.reading() as session:
            held_up = turns.releases_held_up(session)
        total = 0
        for release_id in held_up:
            with self._database.transaction() as session:
                total += self._dispatcher.send_portion(session, release_id)
        return total

    def _sequence(self) -> int:
        total = 0
        while True:
            with self._database.transaction() as session:
                moved = ledger.sequence(session)
            total += moved
            if moved < ledger.SEQUENCE_LIMIT:
                return total


def _try(name: str, step: Callable[[], int]) -> int:
    try:
        return step()
    except JobMoved:
        return 0  # a worker was quicker than the sweep
    except Exception:
        log.exception("sweep step failed; it is tried again at the next sweep", step=name)
        return 0
