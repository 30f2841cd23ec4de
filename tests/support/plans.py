"""How a database runs the statements of an operation, and how long it takes for them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event

from registry.db.session import Database

_SCAN = re.compile(r"Seq Scan on (\w+).*?rows=(\d+) loops=(\d+)")
_SPACES = re.compile(r"\s+")


@dataclass
class Plan:
    """A statement as it was executed, and what EXPLAIN says of it, line by line."""

    statement: str
    lines: list[str]

    def scanned(self) -> dict[str, int]:
        """Return the tables that were read from end to end, and how many rows passed."""
        found = (_SCAN.search(line) for line in self.lines)
        return {each[1]: int(each[2]) for each in found if each}


@dataclass
class Clock:
    """How long a database took for statements, in seconds."""

    seconds: float = 0.0
    began: float = field(default=0.0, repr=False)


def clocked(database: Database) -> Clock:
    """Return a clock that runs while the database executes a statement or commits."""
    clock = Clock()

    def begin(*_: Any) -> None:
        clock.began = time.perf_counter()

    def end(*_: Any) -> None:
        clock.seconds += time.perf_counter() - clock.began

    event.listen(database.engine, "before_cursor_execute", begin)
    event.listen(database.engine, "after_cursor_execute", end)
    return clock


@contextmanager
def explained(database: Database) -> Iterator[list[Plan]]:
    """Collect the plans of the statements that are executed on a database inside the block.

    On PostgreSQL each statement runs twice: measured, and undone if it writes; then in earnest.
    """
    plans: list[Plan] = []
    server = database.engine.dialect.name == "postgresql"

    def explain(
        _connection: Any, cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        given = parameters[0] if many else parameters
        word = statement.split(None, 1)[0].upper()
        if word not in ("SELECT", "INSERT", "UPDATE", "DELETE", "(SELECT"):
            return
        if not server:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", given)
            plans.append(Plan(_short(statement), [str(row[-1]) for row in cursor.fetchall()]))
            return
        if "SELECT" not in word or "FOR UPDATE" in statement:
            cursor.execute("SAVEPOINT explained")
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", given)
        plans.append(Plan(_short(statement), [str(row[0]) for row in cursor.fetchall()]))
        if "SELECT" not in word or "FOR UPDATE" in statement:
            cursor.execute("ROLLBACK TO SAVEPOINT explained")

    event.listen(database.engine, "before_cursor_execute", explain)
    try:
        yield plans
    finally:
        event.remove(database.engine, "before_cursor_execute", explain)


def _short(statement: str) -> str:
    """Return a statement on one line, without its list of columns."""
    line = _SPACES.sub(" ", statement)
    return re.sub(r"^SELECT .{60,}? FROM ", "SELECT ... FROM ", line)
