"""A ``corral`` to run in a data directory of the test's own."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.cli.main import cli

Corral = Callable[..., Result]


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> str:
    """SQLite alone: what differs between databases is behind the services, and tested there."""
    shutil.copy(sqlite_template, tmp_path / "corral.db")
    return f"sqlite:///{tmp_path / 'corral.db'}"


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corral:
    """The command line on a machine that has no records yet."""
    monkeypatch.chdir(tmp_path)
    for name in ("CORRAL_DATABASE_URL", "CORRAL_BROKER_URL", "CORRAL_TOKEN", "CORRAL_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CORRAL_DATA_DIR", str(tmp_path / "data"))

    def run(*words: str, **options: object) -> Result:
        return CliRunner().invoke(cli, words, prog_name="corral", **options)  # type: ignore[arg-type]

    return run


@pytest.fixture
def corral(bare: Corral, tmp_path: Path, sqlite_template: Path) -> Corral:
    """The command line on a machine with migrated, empty records."""
    (tmp_path / "data").mkdir()
    shutil.copy(sqlite_template, tmp_path / "data" / "corral.db")
    return bare
