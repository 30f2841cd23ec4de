"""Where releases are in memory, as workers report it."""

from datetime import timedelta

import pytest

from registry.clock import now
from registry.db.session import Database
from registry.residents import service as residents
from registry.residents.service import Resident

HELD = Resident("a" * 64, size_bytes=5, is_loading=False, done_bytes=9, total_bytes=9)
LOADED = Resident("b" * 64, size_bytes=7, is_loading=True, done_bytes=3, total_bytes=9)


def report(database: Database, worker: str, *held: Resident) -> None:
    with database.transaction() as session:
        residents.report(session, worker=worker, residents=held)


def workers(database: Database, resident: Resident) -> list[str]:
    with database.reading() as session:
        return [each.worker for each in residents.live(session, [resident.digest])[resident.digest]]


def test_a_worker_is_known_by_what_it_reported_last(database: Database) -> None:
    report(database, "one", HELD, LOADED)
    report(database, "two", HELD)

    report(database, "one", LOADED)

    assert workers(database, HELD) == ["two"]
    with database.reading() as session:
        [row] = residents.live(session, [LOADED.digest])[LOADED.digest]
    assert (row.is_loading, row.done_bytes, row.total_bytes) == (True, 3, 9)


def test_a_worker_that_is_silent_is_taken_for_dead(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(database, "one", HELD)
    later = now() + timedelta(seconds=residents.LIVE_SECONDS + 1)

    monkeypatch.setattr(residents, "now", lambda: later)

    assert workers(database, HELD) == []
