"""The unit of work, and the only code that commits.

Statements are logged without their parameters, which may be prompts.

Rules: a transaction is short, no model runs and no file is hashed inside one, and what
leaves the process is sent after the commit, never before.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from registry.db.turns import Turns
from registry.errors import NotEnoughDisk

__all__ = ["Database", "Session", "after_commit", "lock"]

log = structlog.get_logger(__name__)

_AFTER_COMMIT = "corral.after_commit"
_READS_ONLY = "corral_reads_only"
SQLITE_BUSY_SECONDS = 30
POSTGRES_FULL = "53100"


class Database:
    """One database, SQLite or PostgreSQL."""

    def __init__(self, url: str) -> None:
        self.engine = _sqlite(url) if make_url(url).get_backend_name() == "sqlite" else _server(url)
        self._turns = Turns(_file_of(self.engine))
        readers = self.engine.execution_options(**{_READS_ONLY: True, "postgresql_readonly": True})
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._readers = sessionmaker(readers, expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Commit on success, roll back on any exception, then send what waited.

        Raises:
            NotEnoughDisk: The records cannot grow.
        """
        with self._sessions() as session:
            with self._turns.mine(), self._room(), session.begin():
                yield session
            for send in session.info.pop(_AFTER_COMMIT, ()):
                _send_or_log(send)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a transaction that only reads, so it waits for no writer."""
        with self._readers() as session, session.begin():
            yield session

    @contextmanager
    def _room(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if not _is_full(error.orig):
                raise
            where = self.engine.url.database
            raise NotEnoughDisk(
                f"the disk of the records at {where} is full: make room there; nothing was written"
            ) from error

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def after_commit(session: Session, send: Callable[[], None]) -> None:
    """Run ``send`` once the transaction is durable; forget it on roll-back.

    A ``send`` that fails is logged and dropped: the row is already the truth, and
    ``workers.sweep`` sends what was not sent.
    """
    session.info.setdefault(_AFTER_COMMIT, []).append(send)


def lock(session: Session, name: str) -> None:
    """Hold a lock called ``name`` until the transaction ends.

    On SQLite a writing transaction is alone anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
        session.execute(select(func.pg_advisory_xact_lock(number)))


def _send_or_log(send: Callable[[], None]) -> None:
    try:
        send()
    except Exception:
        log.exception("not sent after commit; the sweep will send it again")


def _is_full(error: object) -> bool:
    """Return whether a database says that its disk is full, in the words of either."""
    full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return full or getattr(error, "sqlstate", None) == POSTGRES_FULL


def _file_of(engine: Engine) -> str | None:
    """Return the file of a SQLite database; there is none on a server or in memory."""
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    return None if file in ("", ":memory:") else file


def _server(url: str) -> Engine:
    return create_engine(
        url, pool_pre_ping=True, pool_size=10, max_overflow=20, hide_parameters=True
    )


def _sqlite(url: str) -> Engine:
    """Open SQLite so that writers queue up instead of failing half-way.

    ``BEGIN IMMEDIATE`` takes the write lock at the start: a transaction that read first
    and wrote later could otherwise be refused in the middle. Readers see a snapshot (WAL).
    """
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_SECONDS}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get(_READS_ONLY)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine
