"""What becomes of records that are older than receipts."""

from uuid import UUID

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

import migrations
from registry.errors import Refused

REVISION = "0004"
OUTPUT = UUID(int=7)


def go_back_before_receipts(url: str) -> None:
    """Take a database to the revision before receipts."""
    script = ScriptDirectory.from_config(migrations.configuration(url))
    before = script.get_revision(REVISION).down_revision
    assert isinstance(before, str)
    migrations.downgrade(url, before)


def insert_output(url: str, *, state: str) -> None:
    """Write an output as the revision before did, with nothing around it."""
    identifier = "CAST(:id AS uuid)" if url.startswith("postgresql") else ":id"
    engine = create_engine(url)  # unlike ours, it checks no foreign keys on SQLite
    with engine.begin() as connection:
        if url.startswith("postgresql"):
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text(
                'INSERT INTO outputs (id, job_id, "index", state, text, verdict_id) '
                f"VALUES ({identifier}, {identifier}, 0, :state, 'a text', {identifier})"
            ),
            {"id": OUTPUT.hex, "state": state},
        )
    engine.dispose()


def rows_of(url: str) -> list[tuple[str, str]]:
    """Return state and text of every output."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = [
            (row[0], row[1]) for row in connection.execute(text("SELECT state, text FROM outputs"))
        ]
    engine.dispose()
    return found


def test_records_with_unsigned_released_outputs_stay_as_they_are(fresh_database_url: str) -> None:
    go_back_before_receipts(fresh_database_url)
    insert_output(fresh_database_url, state="released")

    with pytest.raises(Refused, match="another CORRAL_DATA_DIR"):
        migrations.upgrade(fresh_database_url)

    assert rows_of(fresh_database_url) == [("released", "a text")]
    assert not migrations.is_current(fresh_database_url)


@pytest.mark.parametrize("state", ["pending", "flagged", "withheld"])
def test_outputs_that_were_not_released_come_along(fresh_database_url: str, state: str) -> None:
    go_back_before_receipts(fresh_database_url)
    insert_output(fresh_database_url, state=state)

    migrations.upgrade(fresh_database_url)

    assert rows_of(fresh_database_url) == [(state, "a text")]
    assert migrations.is_current(fresh_database_url)
