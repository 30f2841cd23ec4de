"""Triggers that make a table append-only, in the words of each database."""

from collections.abc import Iterable

from sqlalchemy import Connection, text

_FUNCTION = "corral_append_only"


def refuse_changes(connection: Connection, tables: Iterable[str]) -> None:
    """Make tables refuse updates and deletes."""
    if connection.dialect.name == "sqlite":
        for table in tables:
            for change in ("update", "delete"):
                _run(
                    connection,
                    f"CREATE TRIGGER {table}_no_{change} BEFORE {change.upper()} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
                )
        return
    _run(
        connection,
        f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$",
    )
    for table in tables:
        _run(
            connection,
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {_FUNCTION}()",
        )
        _run(
            connection,
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {_FUNCTION}()",
        )


def allow_changes(connection: Connection, tables: Iterable[str]) -> None:
    """Take the triggers away again."""
    if connection.dialect.name == "sqlite":
        for table in tables:
            for change in ("update", "delete"):
                _run(connection, f"DROP TRIGGER {table}_no_{change}")
        return
    for table in tables:
        _run(connection, f"DROP TRIGGER {table}_append_only ON {table}")
        _run(connection, f"DROP TRIGGER {table}_no_truncate ON {table}")


def _run(connection: Connection, statement: str) -> None:
    connection.execute(text(statement))
