"""A whole service for tests: real processes, real broker, real weights, real filters."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import httpx
from pydantic import SecretStr

import migrations
from api.cli import demo
from api.cli.processes import Part, Processes
from api.client import Client
from registry.db.session import Database
from registry.jobs import queries
from registry.jobs.model import Job
from registry.settings import Settings
from tests.support import neighbours
from workers.dispatch import Dispatcher

READY_SECONDS = 60
WAIT_SECONDS = 90


@dataclass
class Stack:
    """A running service, and what tests do to it."""

    settings: Settings
    database: Database
    dispatcher: Dispatcher
    processes: Processes
    ready: demo.Ready
    tokens: dict[str, str]
    url: str

    def client(self, handle: str = demo.RESEARCHER) -> Client:
        """Return a client that speaks for a demo account."""
        return Client(self.url, self.tokens[handle])

    def part(self, name: str) -> Part:
        """Return a part of the process tree."""
        return next(each for each in self.processes.parts if each.name == name)

    def kill(self, name: str) -> None:
        """Kill a part at once, as a crash does."""
        process = self.part(name).process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def engine_process(self, name: str = "generate") -> int | None:
        """Return the engine process of a generating part, if it has one."""
        process = self.part(name).process
        assert process is not None
        with suppress(FileNotFoundError):  # it may be ending
            for path in Path(f"/proc/{process.pid}/task").glob("*/children"):
                for child in map(int, path.read_text().split()):
                    if b"workers.generation.serving" in Path(f"/proc/{child}/cmdline").read_bytes():
                        return child
        return None

    def stop(self, name: str) -> int:
        """End a part as an operator does; return its exit status. Whoever waits restarts it."""
        return self.tell(name).wait(self.settings.stop_seconds + WAIT_SECONDS)

    def tell(self, name: str) -> "subprocess.Popen[bytes]":
        """Tell a part to end, as an operator does, and return its process."""
        process = self.part(name).process
        assert process is not None
        process.terminate()
        return process

    def job(self, identifier: UUID | str) -> Job:
        """Read a job's row."""
        with self.database.reading() as session:
            return queries.get(session, UUID(str(identifier)))

    def until(self, condition: Callable[[], bool], *, seconds: float = WAIT_SECONDS) -> None:
        """Wait for a condition, and restart whatever died meanwhile."""
        wait_until(condition, self.processes, seconds=seconds)

    def wait_for(self, identifier: UUID | str) -> Job:
        """Wait until a job has ended."""
        self.until(lambda: self.job(identifier).finished_at is not None)
        return self.job(identifier)


def wait_until(
    condition: Callable[[], bool], processes: Processes, *, seconds: float = WAIT_SECONDS
) -> None:
    """Wait for a condition, and restart whatever died meanwhile."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} seconds")
        processes.look_after()
        time.sleep(0.02)


@contextmanager
def running(
    settings: Settings, *, parts: tuple[str, ...] = ("generate", "score", "schedule", "serve")
) -> Iterator[Stack]:
    """Start a service with the demo's people and release, and end it afterwards."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if not migrations.is_current(settings.records_url):
        migrations.upgrade(settings.records_url)
    database, dispatcher = Database(settings.records_url), Dispatcher(settings)
    processes = Processes(
        settings.data_dir / "log",
        environment_of(settings),
        stop_seconds=settings.stop_seconds,
    )
    try:
        ready = demo.prepare(database, settings)
        stack = Stack(
            settings=settings,
            database=database,
            dispatcher=dispatcher,
            processes=processes,
            ready=ready,
            tokens=demo.issue_tokens(database),
            url=f"http://127.0.0.1:{settings.port}",
        )
        for part in parts:
            start(stack, part)
        if "serve" in parts:
            stack.until(lambda: answers(stack.url), seconds=READY_SECONDS)
        yield stack
    finally:
        processes.end()
        dispatcher.close()
        database.close()
        neighbours.forget_keys(settings.queue_url, settings.queue_prefix)


def start(stack: Stack, part: str) -> None:
    """Start one part of the service; ``generate-2`` is one more that generates."""
    arguments = {
        "generate": ("worker", "--queue", "generate"),
        "score": ("worker", "--queue", "score"),
        "schedule": ("schedule",),
        "serve": ("serve", "--port", str(stack.settings.port)),
    }
    stack.processes.start(part, *arguments[part.partition("-")[0]])


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the variables that give a child the same settings."""
    return {
        "CORRAL_DATA_DIR": str(settings.data_dir.resolve()),
        "CORRAL_DATABASE_URL": settings.database_url.get_secret_value(),
        "CORRAL_BROKER_URL": settings.broker_url.get_secret_value(),
        "CORRAL_QUEUE_PREFIX": settings.queue_prefix,
        "CORRAL_JOB_LEASE_SECONDS": str(settings.job_lease_seconds),
        "CORRAL_RESEND_AFTER_SECONDS": str(settings.resend_after_seconds),
        "CORRAL_SWEEP_INTERVAL_SECONDS": str(settings.sweep_interval_seconds),
        "CORRAL_JOB_ATTEMPTS_LIMIT": str(settings.job_attempts_limit),
        "CORRAL_STOP_SECONDS": str(settings.stop_seconds),
        "CORRAL_ROOM_JOBS": str(settings.room_jobs),
        "CORRAL_CANARY_INTERVAL_SECONDS": str(settings.canary_interval_seconds),
        **_toxicity_of(settings),
    }


def _toxicity_of(settings: Settings) -> dict[str, str]:
    """Return the variables of another toxicity classifier, if there is one."""
    given = {
        "CORRAL_TOXICITY_CHECKPOINT": settings.toxicity_checkpoint,
        "CORRAL_TOXICITY_CHECKPOINT_SHA256": settings.toxicity_checkpoint_sha256,
        "CORRAL_TOXICITY_CONFIG_DIR": settings.toxicity_config_dir,
    }
    return {name: str(value) for name, value in given.items() if value is not None}


def answers(url: str) -> bool:
    """Return whether the API answers."""
    try:
        return httpx.get(f"{url}/healthz", timeout=2).is_success
    except httpx.HTTPError:
        return False


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def embedded(folder: Path) -> Settings:
    """Return settings of an embedded service that notices faults quickly."""
    return Settings(
        data_dir=folder,
        port=free_port(),
        job_lease_seconds=3,
        resend_after_seconds=2,
        sweep_interval_seconds=0.2,
        stop_seconds=3,
    )


def production(folder: Path, *, database_url: str, broker_url: str) -> Settings:
    """Return settings of a service on PostgreSQL and Redis that notices faults quickly."""
    return embedded(folder).model_copy(
        update={
            "database_url": SecretStr(database_url),
            "broker_url": SecretStr(broker_url),
            "queue_prefix": f"corral-test-{uuid4().hex}:",
        }
    )


def available() -> list[str]:
    """Return the stacks that can run on this machine."""
    complete = neighbours.postgres_url() is not None and neighbours.redis_url() is not None
    return ["embedded", "production"] if complete else ["embedded"]


def settings_for(name: str, folder: Path, exits: ExitStack) -> Settings:
    """Return the settings of the stack called ``embedded`` or ``production``.

    Production takes the PostgreSQL and Redis that answer on this machine; its database is
    dropped when ``exits`` closes.
    """
    if name == "embedded":
        return embedded(folder)
    server, broker = neighbours.postgres_url(), neighbours.redis_url()
    if server is None or broker is None:
        raise RuntimeError("the production stack needs PostgreSQL and Redis on this machine")
    database_url = exits.enter_context(neighbours.scratch_postgres(server))
    return production(folder, database_url=database_url, broker_url=broker)
