"""Fill a database with finished jobs: what a few real ones left, copied inside the database.

The jobs that are copied go through the real services, so their rows are what a finished job
leaves: outputs, verdicts, receipts, sketches, reviews, ledger entries and leaves. A copy has the
identifiers of its original with an earlier time in their first 48 bits, so copies are as old as
they look, and refer to one another as their originals do.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import Column, Connection, Table, Uuid, func, insert, select, text
from sqlalchemy.orm import Session

from registry.clock import now
from registry.db.session import Database
from registry.db.tables import new_id
from registry.ledger import service as ledger
from registry.ledger.merkle import HASH_BYTES, Frontier
from registry.ledger.model import Head, Leaf
from registry.records import METADATA
from registry.releases.model import Release

COPY_SECONDS = 10  # between a copy of the originals and the next one
HEADS = "ledger_heads"
_NEVER_COPIED = ("ledger_pending", "ledger_tallies")


def multiply(
    database: Database,
    make: Callable[[], int],
    *,
    jobs: int,
    accounts: Sequence[UUID],
    releases: Sequence[Release],
) -> int:
    """Have ``make`` finish some jobs and copy them until there are ``jobs``; return how many.

    Args:
        database: A migrated database.
        make: Finishes jobs through the services, and returns how many.
        jobs: How many finished jobs there shall be in the end, at least.
        accounts: Whose the copies are, in turn.
        releases: What they were generated with, in turn.
    """
    _sequence(database)
    before = new_id()
    made = make()
    _sequence(database)
    with database.reading() as session:
        first_leaf = session.scalar(select(func.min(Leaf.index)).where(Leaf.id > before)) or 0
        leaves = session.scalar(select(func.count()).where(Leaf.id > before)) or 0
    copies = max(0, -(-jobs // made) - 1)
    with unchecked(database) as connection:
        _list_copies(connection, copies, accounts, releases)
        for table in METADATA.sorted_tables:
            if table.name not in _NEVER_COPIED:
                _copy(connection, table, before, leaves)
    if copies:
        with database.transaction() as session:
            _close_tree(session, first_leaf + leaves * (copies + 1))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if _is_server(connection) else "ANALYZE"))
    return made * (copies + 1)


@contextmanager
def unchecked(database: Database) -> Iterator[Connection]:
    """Open a transaction without foreign keys, all of which are checked at its end.

    PostgreSQL makes them anew, which reads every row at once instead of one by one.
    """
    with database.engine.connect() as connection:
        if not _is_server(connection):
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.commit()
        undo = _take_apart(connection) if _is_server(connection) else []
        yield connection
        for statement in undo:
            connection.execute(text(statement))
        if not _is_server(connection):
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").first() is None
        connection.commit()


def _sequence(database: Database) -> None:
    with database.transaction() as session:
        while ledger.sequence(session):
            pass


def _is_server(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _take_apart(connection: Connection) -> list[str]:
    """Drop foreign keys; return the statements that make them again."""
    keys = connection.execute(
        text(
            "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) "
            "FROM pg_constraint WHERE contype = 'f'"
        )
    ).all()
    for table, name, _ in keys:
        connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
    return [f"ALTER TABLE {table} ADD CONSTRAINT {name} {how}" for table, name, how in keys]


def _list_copies(
    connection: Connection, copies: int, accounts: Sequence[UUID], releases: Sequence[Release]
) -> None:
    """List the copies in a temporary table: when, whose, of what."""
    kind = "UUID" if _is_server(connection) else "TEXT"
    connection.execute(
        text(
            "CREATE TEMP TABLE copies (number INTEGER, plain TEXT, dashed TEXT, "
            f"account_id {kind}, release_id {kind}, digest TEXT)"
        )
    )
    newest = time.time_ns() // 1_000_000 - 1000 * COPY_SECONDS
    rows = []
    for number in range(1, copies + 1):
        stamp = f"{newest - (copies - number) * 1000 * COPY_SECONDS:012x}"
        release = releases[number % len(releases)]
        rows.append(
            {
                "number": number,
                "plain": stamp,
                "dashed": f"{stamp[:8]}-{stamp[8:]}",
                "account": _stored(connection, accounts[number % len(accounts)]),
                "release": _stored(connection, release.id),
                "digest": release.digest,
            }
        )
    insertion = "INSERT INTO copies VALUES (:number, :plain, :dashed, :account, :release, :digest)"
    if rows:
        connection.execute(text(insertion), rows)


def _stored(connection: Connection, identifier: UUID) -> object:
    return identifier if _is_server(connection) else identifier.hex


def _copy(connection: Connection, table: Table, before: UUID, leaves: int) -> None:
    """Copy the rows of one table that are younger than ``before``."""
    key = "id" if "id" in table.c else "sketch_id"
    values = ", ".join(_value(connection, column, leaves) for column in table.c)
    names = ", ".join(f'"{column.name}"' for column in table.c)
    # The last head is made apart: the tree goes on from it.
    last = "WHERE c.number < (SELECT max(number) FROM copies)" if table.name == HEADS else ""
    connection.execute(
        text(f"CREATE TEMP TABLE originals AS SELECT * FROM {table.name} WHERE false")
    )
    connection.execute(
        text(f"INSERT INTO originals SELECT * FROM {table.name} WHERE {key} > :before"),
        {"before": _stored(connection, before)},
    )
    connection.execute(
        text(
            f"INSERT INTO {table.name} ({names}) SELECT {values} "
            f"FROM copies c CROSS JOIN originals t {last} ORDER BY c.number, t.{key}"
        )
    )
    connection.execute(text("DROP TABLE originals"))


def _value(connection: Connection, column: Column[object], leaves: int) -> str:
    """Return what a column of a copy holds, in SQL."""
    own = f't."{column.name}"'
    special = {
        "account_id": "c.account_id",
        "release_id": "c.release_id",
        "release_digest": "c.digest",
        "ledger_leaves.index": f"{own} + c.number * {leaves}",
        "ledger_heads.size": f"{own} + c.number * {leaves}",
        "sketch_bands.band": f"{own} / 2 + c.number",
        "idempotency_keys.key": f"{own} || c.number",
        "ledger_entries.subject": f"c.dashed || substr({own}, 14)",
    }
    given = special.get(column.name, special.get(f"{column.table.name}.{column.name}"))
    if given is None and isinstance(column.type, Uuid):
        server = f"(c.dashed || substr({own}::text, 14))::uuid"
        return server if _is_server(connection) else f"c.plain || substr({own}, 13)"
    return given or own


def _close_tree(session: Session, size: int) -> None:
    """Write the newest head, with peaks that are as many as its size asks for."""
    peaks = tuple(secrets.token_bytes(HASH_BYTES) for _ in range(size.bit_count()))
    frontier = Frontier(size, peaks)
    session.execute(
        insert(Head).values(
            size=size, root=frontier.root().hex(), frontier=frontier.to_hex(), made_at=now()
        )
    )
