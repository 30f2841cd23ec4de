"""Find the real PostgreSQL and Redis that some tests need, or say why they skip."""

import contextlib
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from registry.db.session import Database
from registry.records import METADATA

POSTGRES_URLS = (
    "postgresql+psycopg://postgres@127.0.0.1:5432/postgres",
    "postgresql+psycopg:///postgres",
)
REDIS_URLS = ("redis://127.0.0.1:6379/15",)


def is_required(neighbour: str) -> bool:
    """Return whether its absence is a failure (``CORRAL_TEST_REQUIRE``)."""
    return neighbour in os.environ.get("CORRAL_TEST_REQUIRE", "").split()


def missing(neighbour: str, reason: str) -> None:
    """Skip the test, or fail it where the neighbour is required."""
    if is_required(neighbour):
        pytest.fail(f"{neighbour} is required here: {reason}")
    pytest.skip(f"{neighbour}: {reason}")


def postgres_url() -> str | None:
    """Return the address of a PostgreSQL that answers."""
    given = os.environ.get("CORRAL_TEST_POSTGRES_URL")
    for url in (given,) if given else POSTGRES_URLS:
        engine = create_engine(url)
        try:
            with engine.connect():
                return url
        except OperationalError:
            continue
        finally:
            engine.dispose()
    return None


def redis_url() -> str | None:
    """Return the address of a Redis that answers."""
    given = os.environ.get("CORRAL_TEST_REDIS_URL")
    for url in (given,) if given else REDIS_URLS:
        client = redis.Redis.from_url(url, socket_connect_timeout=2)
        try:
            client.ping()
        except redis.RedisError:
            continue
        else:
            return url
        finally:
            client.close()
    return None


@contextmanager
def scratch_postgres(server: str, *, template: str | None = None) -> Iterator[str]:
    """Make a database of our own on a server, and drop it afterwards."""
    name = f"corral_test_{uuid.uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            source = f" TEMPLATE {template}" if template else ""
            connection.execute(text(f"CREATE DATABASE {name}{source}"))
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        engine.dispose()


def empty(database: Database) -> None:
    """Remove every row, with the append-only triggers asleep in this one session."""
    tables = ", ".join(table.name for table in METADATA.sorted_tables)
    with database.engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(f"TRUNCATE {tables}"))


def forget_keys(url: str, prefix: str) -> None:
    """Delete the keys that a service under test left in a Redis, if it still runs."""
    if not prefix or not url.startswith("redis:"):
        return
    client = redis.Redis.from_url(url, socket_connect_timeout=2)
    with contextlib.suppress(redis.ConnectionError):
        for key in client.scan_iter(f"{prefix}*"):
            client.delete(key)
    client.close()


@contextmanager
def redis_on(port: int, folder: Path) -> Iterator[None]:
    """Run a Redis of our own."""
    binary = shutil.which("redis-server")
    if binary is None:
        missing("redis", "no redis-server to start one of our own")
    process = subprocess.Popen(
        [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
        stdout=subprocess.DEVNULL,
    )
    client = redis.Redis(port=port)
    try:
        for _ in range(100):
            try:
                client.ping()
                break
            except redis.RedisError:
                time.sleep(0.05)
        yield
    finally:
        client.close()
        process.terminate()
        process.wait()
