"""The records, opened by an operator's command in its own process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click

import migrations
from api.cli.settings import settings_of
from registry.db.session import Database
from registry.errors import Unavailable
from registry.releases.store import Store
from registry.settings import Settings

_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Records:
    """Everything that an operator's command works with."""

    settings: Settings
    database: Database
    store: Store


@contextmanager
def open_records(context: click.Context) -> Iterator[Records]:
    """Open the records, and close them at the end.

    Raises:
        Unavailable: There are none, they do not answer, or their schema is not the newest.
    """
    settings = settings_of(context)
    check_schema(settings.records_url)
    database = Database(settings.records_url)
    try:
        yield Records(settings, database, Store(settings.store_dir))
    finally:
        database.close()


def check_schema(url: str) -> None:
    """Check that the database answers and is at the newest revision. Makes nothing.

    Raises:
        Unavailable: It is not so; the message says what to do.
    """
    file = sqlite_file(url)
    if file is not None and not file.exists():
        raise Unavailable(f"there are no records at {file}: run corral db upgrade")
    try:
        is_current = migrations.is_current(url)
    except Exception as error:  # each driver has errors of its own
        where = file or urlsplit(url).hostname or "its address"
        why = str(error.__cause__ or error).strip().partition("\n")[0]
        raise Unavailable(f"the database at {where} does not answer: {why}") from error
    if not is_current:
        raise Unavailable(
            "the database has another schema than this version: run corral db upgrade"
        )


def sqlite_file(url: str) -> Path | None:
    """Return the file of an SQLite database; ``None`` for a server."""
    return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None
