"""Writers of a SQLite file queue up, across threads and processes, and never for ever."""

import fcntl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from registry.db import turns
from registry.db.session import Database
from registry.db.turns import Turns
from registry.ledger import service as ledger
from registry.ledger.model import Entry

WRITES, THREADS = 10, 4
WRITER = """
import sys
from registry.db.session import Database
from registry.ledger import service as ledger

database = Database(sys.argv[1])
for _ in range(int(sys.argv[2])):
    with database.transaction() as session:
        ledger.record(session, actor="ada", action="test", subject="thing")
"""


def is_taken(file: Path) -> bool:
    """Return whether somebody has the turn."""
    with Path(f"{file}.turn").open("a") as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_a_turn_is_one_writers_until_its_block_ends(tmp_path: Path) -> None:
    file = tmp_path / "records.db"

    with Turns(str(file)).mine():
        assert is_taken(file)

    assert not is_taken(file)


def test_a_turn_ends_with_the_transaction_that_failed(tmp_path: Path) -> None:
    file = tmp_path / "records.db"
    database = Database(f"sqlite:///{file}")

    with pytest.raises(OperationalError), database.transaction() as session:
        session.execute(text("no such statement"))

    assert not is_taken(file)
    database.close()


def test_writers_in_threads_and_processes_all_come_through(database: Database) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    other = subprocess.Popen([sys.executable, "-c", WRITER, url, str(WRITES)])

    def write() -> None:
        for _ in range(WRITES):
            with database.transaction() as session:
                ledger.record(session, actor="ada", action="test", subject="thing")

    threads = [threading.Thread(target=write) for _ in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert other.wait() == 0
    with database.reading() as session:
        written = session.scalar(select(func.count()).select_from(Entry))

    assert written == WRITES * (THREADS + 1)


def test_nobody_waits_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.05)
    queue = Turns(str(tmp_path / "records.db"))

    with queue.mine(), queue.mine():
        reached = True

    assert reached


def test_where_no_lock_can_be_had_the_block_runs_all_the_same(tmp_path: Path) -> None:
    ran = []

    with Turns(str(tmp_path / "no such folder" / "corral.db")).mine():
        ran.append(True)

    assert ran == [True]
