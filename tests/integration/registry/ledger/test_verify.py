import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from migrations.triggers import allow_changes
from registry.db.session import Database
from registry.ledger import queries, service
from registry.ledger.checkpoint import Checkpoint
from registry.ledger.verify import Report, verify

TABLES = ("ledger_entries", "ledger_leaves", "ledger_heads")
ENTRIES = 7


@pytest.fixture
def ledger(fresh_database: Database) -> Database:
    """A database with a ledger of seven entries, in two heads."""
    for size in (3, 4):
        for number in range(size):
            with fresh_database.transaction() as session:
                service.record(session, actor="ada", action="test", subject=f"{size}.{number}")
        with fresh_database.transaction() as session:
            service.sequence(session)
    return fresh_database


def tamper(database: Database, statement: str) -> Report:
    """Do what an intruder with the database's password could do, then verify."""
    with database.engine.begin() as connection:
        allow_changes(connection, TABLES)
        connection.exec_driver_sql(statement)
    with database.reading() as session:
        return verify(session)


def test_an_untouched_ledger_holds(ledger: Database) -> None:
    with ledger.reading() as session:
        report = verify(session)

    assert (report.holds, report.size, report.pending) == (True, ENTRIES, 0)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE ledger_entries SET actor = 'eve' WHERE subject = '3.1'", "altered"),
        ("UPDATE ledger_entries SET facts = '{\"a\":1}' WHERE subject = '4.0'", "altered"),
        ('UPDATE ledger_leaves SET "index" = 99 WHERE "index" = 2', "missing"),
        ('DELETE FROM ledger_leaves WHERE "index" = 4', "missing"),
        ("UPDATE ledger_heads SET root = 'ab' WHERE size = 3", "another root"),
        ("DELETE FROM ledger_heads WHERE size = 7", "covered by no head"),
        ('DELETE FROM ledger_leaves WHERE "index" = 6', "fewer leaves"),
    ],
    ids=["actor", "facts", "renumbered", "leaf removed", "root", "head removed", "last leaf"],
)
def test_tampering_is_found(ledger: Database, statement: str, problem: str) -> None:
    report = tamper(ledger, statement)

    assert any(problem in each for each in report.problems)


def test_a_removed_entry_is_found(ledger: Database) -> None:
    with ledger.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        allow_changes(connection, TABLES)
        connection.execute(
            text('DELETE FROM ledger_leaves WHERE "index" = 6'),
        )
        connection.execute(text("DELETE FROM ledger_entries WHERE subject = '4.3'"))

    with ledger.reading() as session:
        assert not verify(session).holds


def test_reordered_entries_are_found(ledger: Database) -> None:
    swap = (
        'UPDATE ledger_leaves SET "index" = CASE "index" WHEN 100 THEN 1 ELSE 0 END '
        'WHERE "index" IN (100, 101)'
    )
    with ledger.engine.begin() as connection:
        allow_changes(connection, TABLES)
        connection.execute(
            text('UPDATE ledger_leaves SET "index" = "index" + 100 WHERE "index" IN (0, 1)')
        )
        connection.execute(text(swap))

    with ledger.reading() as session:
        report = verify(session)

    assert any("another root" in each for each in report.problems)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("change", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_the_database_refuses_changes(ledger: Database, table: str, change: str) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        ledger.engine.begin() as connection,
    ):
        connection.execute(text(change.format(table)))


def test_a_kept_checkpoint_shows_a_rewritten_history(ledger: Database) -> None:
    with ledger.reading() as session:
        size, root = queries.head(session)
        honest = Checkpoint(origin="test", size=size, root=root)
        forged = Checkpoint(origin="test", size=size, root=bytes(32))

        assert verify(session, known=honest).holds
        assert not verify(session, known=forged).holds


def test_a_checkpoint_larger_than_the_ledger_is_no_prefix(ledger: Database) -> None:
    with ledger.reading() as session:
        report = verify(session, known=Checkpoint(origin="test", size=99, root=bytes(32)))

    assert not report.holds


def test_entries_wait_for_the_sequencer_and_say_so(ledger: Database) -> None:
    with ledger.transaction() as session:
        service.record(session, actor="ada", action="test", subject="late")

    with ledger.reading() as session:
        report = verify(session)

    assert (report.holds, report.pending) == (True, 1)
