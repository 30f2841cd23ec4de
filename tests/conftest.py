"""Fixtures for all tests: migrated databases, built once and copied for each test.

Tests may run in several processes, as ``tests.support.scheduling`` puts them together.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from sqlalchemy import make_url

import migrations
from registry.db.session import Database
from registry.settings import Settings
from tests.support import neighbours
from tests.support.scheduling import ByFileOrService

# Processes that each compute on every core would wait for one another. Before torch is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A machine that is busy with something else makes no property wrong.
hypothesis.settings.register_profile("corral", deadline=None)
hypothesis.settings.load_profile("corral")

ROOT = Path(__file__).parent.parent
SQLITE = "sqlite"
POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFileOrService:
    """Say which tests stay together."""
    return ByFileOrService(config, log)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file."""
    path = tmp_path_factory.mktemp("template") / "corral.db"
    migrations.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """A PostgreSQL server."""
    url = neighbours.postgres_url()
    if url is None:
        neighbours.missing("postgres", "no server answers (CORRAL_TEST_POSTGRES_URL)")
    assert url is not None
    return url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The name of a migrated, empty PostgreSQL database."""
    with neighbours.scratch_postgres(postgres_server) as url:
        migrations.upgrade(url)
        yield str(make_url(url).database)


@pytest.fixture(scope="session")
def redis_server() -> str:
    """A Redis server; tests use queues with names of their own."""
    url = neighbours.redis_url()
    if url is None:
        neighbours.missing("redis", "no server answers (CORRAL_TEST_REDIS_URL)")
    assert url is not None
    return url


@pytest.fixture(scope="session")
def shared_postgres(postgres_server: str, postgres_template: str) -> Iterator[Database]:
    """One migrated PostgreSQL database, which tests take turns with."""
    with neighbours.scratch_postgres(postgres_server, template=postgres_template) as url:
        opened = Database(url)
        yield opened
        opened.close()


@pytest.fixture(params=[SQLITE, POSTGRES])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of each kind; the schema is the one we ship."""
    if request.param == SQLITE:
        path = tmp_path / "corral.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    shared: Database = request.getfixturevalue("shared_postgres")
    neighbours.empty(shared)
    return shared.engine.url.render_as_string(hide_password=False)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open, empty database of each kind."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture(params=[SQLITE, POSTGRES])
def fresh_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database whose schema the test may change."""
    if request.param == SQLITE:
        path = tmp_path / "fresh.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    template = request.getfixturevalue("postgres_template")
    server = request.getfixturevalue("postgres_server")
    with neighbours.scratch_postgres(server, template=template) as url:
        yield url


@pytest.fixture
def fresh_database(fresh_database_url: str) -> Iterator[Database]:
    """An open database whose schema the test may change."""
    opened = Database(fresh_database_url)
    yield opened
    opened.close()


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings for a data directory of the test's own, with a folder as broker."""
    return Settings(data_dir=tmp_path / "data", database_url=database_url)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of test data sets; tests that need it skip without it."""
    given = os.environ.get("CORRAL_TEST_DATA")
    path = Path(given) if given else ROOT.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip("no data folder (CORRAL_TEST_DATA)")
    return path
