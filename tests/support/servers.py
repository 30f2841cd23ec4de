"""A PostgreSQL and a Redis of a test's own, on free ports, which it may kill and empty."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis

from tests.support.stack import free_port

START_SECONDS = 60
POSTGRES_FOLDERS = "/usr/lib/postgresql"


class NotInstalled(RuntimeError):
    """A server's programs are not on this machine.

    Attributes:
        neighbour: The server, as ``CORRAL_TEST_REQUIRE`` names it.
    """

    def __init__(self, neighbour: str, detail: str) -> None:
        super().__init__(detail)
        self.neighbour = neighbour


class Server:
    """A server process, and what a test does to it.

    Args:
        command: What to run.
        folder: Where to run it.
        answers: Whether it serves; asked until it does.
        owner: The user to run as, if not ours.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        answers: Callable[[], bool],
        owner: pwd.struct_passwd | None = None,
    ) -> None:
        self._command = command
        self._folder = folder
        self._answers = answers
        self._owner = owner
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, stdout=log, stderr=log, **_as(self._owner)
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self._command[0]} did not start: see {self._folder / 'log'}")
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal and wait for its end."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(START_SECONDS)


@contextmanager
def postgres() -> Iterator[tuple[Server, str]]:
    """Run a PostgreSQL; yield it and the address of its database.

    ``stop(SIGQUIT)`` ends it as a crash does: it recovers from its log at the next start.

    Raises:
        NotInstalled: There is none on this machine.
    """
    programs, owner, port = _postgres_programs(), _other_user(), free_port()
    # Not pytest's folder, which another user cannot enter.
    with tempfile.TemporaryDirectory(prefix="corral-postgres-") as name:
        folder = Path(name)
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        made = [str(programs / "initdb"), "-D", "data", "-U", "postgres", "-A", "trust"]
        made += ["-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(made, cwd=folder, check=True, capture_output=True, **_as(owner))
        command = [str(programs / "postgres"), "-D", "data", "-k", name, "-h", "127.0.0.1"]
        options = ["max_connections=300", "shared_buffers=64MB", "fsync=off"]
        command += ["-p", str(port), *(f"--{each}" for each in options)]
        plain = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        server = Server(command, folder=folder, answers=lambda: _connects(plain), owner=owner)
        server.start()
        try:
            yield server, plain.replace("postgresql:", "postgresql+psycopg:")
        finally:
            server.stop(signal.SIGQUIT)


@contextmanager
def redis_server(folder: Path) -> Iterator[tuple[Server, str]]:
    """Run a Redis that keeps nothing when it ends; yield it and its address.

    Raises:
        NotInstalled: There is none on this machine.
    """
    program, port = shutil.which("redis-server"), free_port()
    if program is None:
        raise NotInstalled("redis", "no redis-server in PATH")
    folder.mkdir(parents=True, exist_ok=True)
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    url = f"redis://127.0.0.1:{port}/0"
    server = Server(command, folder=folder, answers=lambda: _pings(url))
    server.start()
    try:
        yield server, url
    finally:
        server.stop(signal.SIGKILL)


def _postgres_programs() -> Path:
    """Return the folder that has both programs."""
    given = shutil.which("postgres")
    folders = [Path(given).parent] if given else []
    folders += sorted(Path(POSTGRES_FOLDERS).glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise NotInstalled("postgres", f"no initdb and postgres in PATH or {POSTGRES_FOLDERS}")


def _other_user() -> pwd.struct_passwd | None:
    """Return whom to run PostgreSQL as: it refuses to be root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NotInstalled("postgres", "it refuses to run as root, and there is no other user")


def _as(owner: pwd.struct_passwd | None) -> dict[str, Any]:
    if owner is None:
        return {}
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _connects(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True


def _pings(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
