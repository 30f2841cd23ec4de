"""A worker with two real releases, whose loads a test can hold up or let fail."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from kombu.utils.json import loads

from registry.accounts import service as accounts
from registry.accounts.model import Account, Role
from registry.db.session import Database
from registry.jobs import queries
from registry.jobs import service as jobs
from registry.jobs.model import Job
from registry.policies import service as policies
from registry.releases import queries as releases
from registry.releases.intake import register_folder
from registry.releases.model import Release, ReleaseState
from registry.releases.store import Store
from registry.settings import Settings
from tests.support import rows
from tests.support.llamas import Shape, write_llama
from workers.dispatch import Dispatcher
from workers.generation.engine import Engine
from workers.generation.loader import Loader
from workers.generation.residency import Residency
from workers.generator import Generator
from workers.heart import Heart
from workers.loads import Loads
from workers.shelf import StoreShelf
from workers.worker import Worker

CACHE_MEBIBYTES = 1


class GatedShelf(StoreShelf):
    """The store's shelf; a release with a gate is read to its end only once that is open."""

    def __init__(self, settings: Settings, database: Database) -> None:
        loader = Loader(settings.store_dir, cache_bytes=settings.cache_mebibytes << 20)
        super().__init__(settings, database, loader)
        self.gates: dict[str, threading.Event] = {}
        self.failures: dict[str, Exception] = {}
        self.loads: list[str] = []

    def load(self, digest: str, told: Callable[[int], None]) -> Engine:
        self.loads.append(digest)
        if digest in self.failures:
            raise self.failures[digest]

        def gated(more: int) -> None:
            told(more)
            while digest in self.gates and not self.gates[digest].wait(0.005):
                told(0)

        return super().load(digest, gated)


@dataclass
class Works:
    """A worker with two releases in its store, and none in its memory."""

    database: Database
    settings: Settings
    researcher: Account
    first: Release
    second: Release
    shelf: GatedShelf
    worker: Worker
    paused: list[str]
    resumed: list[str]

    def residency(self, budget_bytes: int) -> tuple[Residency, Generator]:
        """Begin to work within a budget."""
        engines = Residency(self.shelf, budget_bytes=budget_bytes)
        engines.start(Loads(self.worker, pause=self.paused.append, resume=self.resumed.append))
        return engines, Generator(self.worker, engines)

    def size(self, release: Release) -> int:
        """Return what a release takes."""
        return self.shelf.weigh(release.digest).size_bytes

    def submit(self, release: Release) -> Job:
        """Submit a job, and note its message as sent, which the test then delivers."""
        with self.database.transaction() as session:
            return jobs.submit(
                session,
                account=self.researcher,
                release=release,
                prompt="The fox",
                parameters=replace(rows.PARAMETERS, max_new_tokens=4),
            )

    def job(self, job: Job) -> Job:
        """Read a job's row."""
        with self.database.reading() as session:
            return queries.get(session, job.id)

    def state(self, release: Release) -> ReleaseState:
        """Read a release's state."""
        with self.database.reading() as session:
            return releases.get(session, release.name).state

    def messages(self) -> list[UUID]:
        """Return the jobs that messages to generate name, in their order."""
        folder = self.settings.data_dir / "queue" / "messages"
        found = []
        for path in sorted(folder.glob("*.generate.*.msg")):
            body = loads(path.read_text())["headers"]["argsrepr"]
            found.append(UUID(body.strip("[]'()\", ")))
        return found

    def weights(self, release: Release) -> Path:
        """Return the stored weights of a release."""
        with self.database.reading() as session:
            manifest = releases.manifest_of(session, release)
        return Store(self.settings.store_dir).entry_path(manifest, "model.safetensors")


@contextmanager
def open_works(database: Database, settings: Settings, folder: Path) -> Iterator[Works]:
    """Register and publish two tiny releases, and approve a researcher for both."""
    settings = settings.model_copy(update={"cache_mebibytes": CACHE_MEBIBYTES})
    names = ("corral/first", "corral/second")
    for seed, name in enumerate(names):
        register_folder(
            database,
            Store(settings.store_dir),
            folder=write_llama(folder / name, Shape(seed=seed)),
            name=name,
            license="MIT",
            source="made for tests",
            actor="operator",
            progress=None,
        )
    with database.transaction() as session:
        ada = accounts.add(session, handle="ada", roles=[Role.RESEARCHER])
        rae = accounts.add(session, handle="rae", roles=[Role.REVIEWER])
        first, second = (rows.publish(session, releases.get(session, name)) for name in names)
        for each in (first, second):
            rows.approve(session, each, ada, rae)
        policies.adopt(session, policy=rows.MadeUpPolicy(), actor="operator")
    heart, dispatcher = Heart(database, lease_seconds=60), Dispatcher(settings)
    worker = Worker(
        database=database, dispatcher=dispatcher, heart=heart, settings=settings, name="worker"
    )
    shelf = GatedShelf(settings, database)
    yield Works(database, settings, ada, first, second, shelf, worker, [], [])
    heart.stop()
    dispatcher.close()
