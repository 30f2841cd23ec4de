"""The schema that we ship is the one that the models describe."""

import shutil
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

import migrations
from registry.db.session import Database
from registry.records import METADATA


def test_the_history_has_one_head() -> None:
    script = ScriptDirectory.from_config(migrations.configuration("sqlite://"))

    assert len(script.get_heads()) == 1


def test_models_and_migrations_describe_the_same_schema(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        differences = compare_metadata(context, METADATA)

    assert differences == []


def test_the_schema_goes_down_and_up_again(fresh_database_url: str) -> None:
    migrations.downgrade(fresh_database_url, "base")

    migrations.upgrade(fresh_database_url)

    assert migrations.is_current(fresh_database_url)


def test_going_down_leaves_nothing_behind(
    fresh_database_url: str, fresh_database: Database
) -> None:
    migrations.downgrade(fresh_database_url, "base")

    assert inspect(fresh_database.engine).get_table_names() == ["alembic_version"]


def test_an_older_database_is_not_current(tmp_path: Path, sqlite_template: Path) -> None:
    path = tmp_path / "old.db"
    shutil.copy(sqlite_template, path)
    migrations.downgrade(f"sqlite:///{path}", "0001")

    assert not migrations.is_current(f"sqlite:///{path}")


@pytest.mark.parametrize("url", ["sqlite://"])
def test_an_empty_database_is_not_current(url: str) -> None:
    assert not migrations.is_current(url)
