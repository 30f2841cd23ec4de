"""The pipeline in this process: real records, real engine, real filters; no broker."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from uuid import uuid4

from api.cli import demo
from filters.contract import Filter
from filters.policy import default_policy
from registry.db.session import Database
from registry.jobs import queries
from registry.jobs import service as jobs
from registry.jobs.model import Job
from registry.policies import service as policies
from registry.receipts import service as receipts
from registry.settings import Settings
from registry.verdicts.view import JobView, view_of
from tests.support.policies import refusing, with_time_limit
from tests.support.rows import PARAMETERS, SIGNER
from workers.dispatch import Dispatcher
from workers.duty import Duty
from workers.generation.apart import EngineProcess
from workers.generation.loader import Loader
from workers.generation.residency import NotInMemory, Residency
from workers.generator import Generator
from workers.heart import Heart
from workers.loads import Loads
from workers.prompts import PromptScreen
from workers.scorer import Scorer
from workers.screening import Screener
from workers.shelf import StoreShelf
from workers.worker import Worker

BUDGET_BYTES = 4 << 30
LOAD_SECONDS = 60


@dataclass
class Line:
    """One worker that generates and scores when a test says so."""

    database: Database
    settings: Settings
    ready: demo.Ready
    generator: Generator
    scorer: Scorer
    prompts: PromptScreen
    duty: Duty

    def submit(self, prompt: str = "Once upon a time", *, n: int = 1) -> Job:
        """Submit a job as the demo researcher."""
        with self.database.transaction() as session:
            return jobs.submit(
                session,
                account=self.ready.researcher,
                release=self.ready.release,
                prompt=prompt,
                parameters=replace(PARAMETERS, n=n),
            )

    def look(self, job: Job) -> tuple[Job, JobView]:
        """Read a job's row and view."""
        with self.database.reading() as session:
            row = queries.get(session, job.id)
            return row, view_of(session, row)

    def set_attempts(self, job: Job, attempts: int) -> None:
        """Write down how often scoring a job was tried before."""
        with self.database.transaction() as session:
            queries.get(session, job.id).attempts = attempts

    def adopt(self, *, time_limit_seconds: int = 30, refuses_prompts: bool = False) -> None:
        """Adopt the default policy with another time limit and another action for prompts."""
        policy = with_time_limit(default_policy(), time_limit_seconds)
        if refuses_prompts:
            policy = refusing(policy)
        with self.database.transaction() as session:
            policies.adopt(session, policy=policy, actor="operator")


@contextmanager
def line(
    database: Database, settings: Settings, filters: Sequence[Filter], *, apart: bool = False
) -> Iterator[Line]:
    """Set the pipeline up with the demo's people and release.

    The engine is in this process, which starts sooner, or apart from it as a worker has it.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    ready = demo.prepare(database, settings)
    with database.transaction() as session:
        receipts.enrol(session, key=SIGNER.key, actor=SIGNER.name)
    dispatcher = Dispatcher(settings)
    heart = Heart(database, lease_seconds=settings.job_lease_seconds)
    duty = Duty(proof_seconds=600)
    duty.note_passed()
    loader = _loader(settings, apart=apart)
    engines = Residency(StoreShelf(settings, database, loader), budget_bytes=BUDGET_BYTES)
    worker = Worker(
        database=database,
        dispatcher=dispatcher,
        heart=heart,
        settings=settings,
        name="test-worker",
    )
    screener = Screener(database, filters)
    engines.start(Loads(worker, pause=lambda _: None, resume=lambda _: None))
    try:
        bring(engines, ready.release.digest)
        yield Line(
            database=database,
            settings=settings,
            ready=ready,
            generator=Generator(worker, engines),
            scorer=Scorer(worker, screener, SIGNER, duty),
            prompts=PromptScreen(worker, screener, duty),
            duty=duty,
        )
    finally:
        heart.stop()
        engines.close()
        if isinstance(loader, EngineProcess):
            loader.close()
        dispatcher.close()


def _loader(settings: Settings, *, apart: bool) -> Loader | EngineProcess:
    cache_bytes = settings.cache_mebibytes << 20
    if not apart:
        return Loader(settings.store_dir, cache_bytes=cache_bytes)
    return EngineProcess(
        settings.store_dir, cache_bytes=cache_bytes, log_level="WARNING", when_lost=lambda: None
    )


def bring(engines: Residency, digest: str) -> None:
    """Have a release loaded, and wait until it is in memory."""
    with suppress(NotInMemory), engines.using(digest, job_id=uuid4()):
        return
    deadline = time.monotonic() + LOAD_SECONDS
    while digest not in engines.in_memory():
        if time.monotonic() > deadline:
            raise TimeoutError("the release was not loaded")
        threading.Event().wait(0.005)
