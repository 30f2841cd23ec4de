"""A ``corral`` to run in a data directory of the test's own."""

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from api.cli.main import cli
from tests.integration.api.service import Service
from tests.support.checkpoints import make_checkpoint

NAME = "owner/tiny"

Corral = Callable[..., Result]
As = Callable[..., Result]


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


@pytest.fixture
def url(service: Service) -> Iterator[str]:
    """The address of the application, served by uvicorn."""
    config = uvicorn.Config(service.http.app, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        # The server's log would otherwise mix with what the command prints.
        with capture_logs():
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def person(bare: Corral, service: Service, url: str) -> As:
    """Run a command as somebody."""

    def run(who: str, *words: str, **options: Any) -> Result:
        env = {"CORRAL_URL": url, "CORRAL_TOKEN": service.tokens[who]}
        return bare(*words, env=env, **options)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small, right checkpoint."""
    return make_checkpoint(tmp_path / "tiny")


@pytest.fixture
def registered(corral: Corral, folder: Path) -> Corral:
    """Records with one registered release."""
    assert corral("release", "register", str(folder), "--name", NAME).exit_code == 0
    return corral


def store_file(tmp_path: Path, corral: Corral, path: str) -> Path:
    """Return where the bytes of one file of the release are stored."""
    files = json.loads(corral("release", "show", NAME, "--json").stdout)["files"]
    [sha256] = [str(each["sha256"]) for each in files if each["path"] == path]
    return tmp_path / "data" / "store" / "sha256" / sha256[:2] / sha256


def damage(file: Path) -> None:
    """Flip a bit of a file."""
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.chmod(0o600)
    file.write_bytes(content)
