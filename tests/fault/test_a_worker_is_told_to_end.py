"""A worker gets SIGTERM: what it can finish in time is finished, the rest another one does."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from registry.jobs import service as jobs
from registry.jobs.model import Job, Output
from registry.jobs.states import JobState
from registry.ledger.model import Entry
from registry.verdicts.model import VerdictRecord
from tests.support import neighbours, stack
from tests.support.rows import PARAMETERS
from tests.support.stack import Stack
from workers.shift import EXIT_SECONDS

pytestmark = pytest.mark.timeout(300)

OUTPUTS = 8
STOP_SECONDS = 80
LONG_SECONDS = 200
BUSY_SECONDS = 15
"""How much longer everything may take on a machine that does something else as well."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A service with two workers that generate, on PostgreSQL and Redis where they are.

    Leases last for long, so that a job which is not given back would not end in time.
    """
    with ExitStack() as exits:
        [*_, kind] = stack.available()
        settings = stack.settings_for(kind, tmp_path_factory.mktemp("told"), exits)
        settings = settings.model_copy(
            update={
                "stop_seconds": STOP_SECONDS,
                "job_lease_seconds": 600,
                "resend_after_seconds": 600,
            }
        )
        parts = ("generate", "generate-2", "score", "schedule")
        yield exits.enter_context(stack.running(settings, parts=parts))


def submit(service: Stack, *, tokens: int = 200) -> UUID:
    """Submit a job that takes some seconds."""
    parameters = replace(PARAMETERS, n=OUTPUTS, max_new_tokens=tokens, temperature=1.2)
    with service.database.transaction() as session:
        job = jobs.submit(
            session,
            account=service.ready.researcher,
            release=service.ready.release,
            prompt="Once upon a time",
            parameters=parameters,
        )
        service.dispatcher.send_or_hold(session, job)
    return job.id


def process_on(service: Stack, identifier: UUID, state: JobState) -> int:
    """Wait until a worker has the job in this state; return the identifier of its process."""

    def is_held() -> bool:
        job = service.job(identifier)
        assert job.finished_at is None, "the job is too short for this test"
        return job.state is state and job.lease_owner is not None

    service.until(is_held, seconds=LONG_SECONDS)
    return int(str(service.job(identifier).lease_owner).rpartition(":")[2])


def part_of(service: Stack, pid: int) -> str:
    [name] = [
        part.name
        for part in service.processes.parts
        if part.process is not None and part.process.pid == pid
    ]
    return name


def ended(service: Stack, identifier: UUID) -> Job:
    """Wait until a job has ended; return it."""
    service.until(lambda: service.job(identifier).finished_at is not None, seconds=LONG_SECONDS)
    return service.job(identifier)


def actions(service: Stack, identifier: UUID) -> list[str]:
    """Return what the ledger says of a job, in order."""
    with service.database.reading() as session:
        query = select(Entry.action).where(Entry.subject == str(identifier)).order_by(Entry.id)
        return list(session.scalars(query))


def verdicts(service: Stack, identifier: UUID) -> int:
    with service.database.reading() as session:
        query = (
            select(func.count())
            .select_from(VerdictRecord)
            .join(Output, Output.id == VerdictRecord.output_id)
            .where(Output.job_id == identifier)
        )
        return session.scalar(query) or 0


def hasten(service: Stack, name: str) -> int:
    """Tell a part to end twice; return its exit status."""
    process = service.tell(name)
    log = service.settings.data_dir / "log" / f"{name}.log"
    service.until(
        lambda: "told to end" in log.read_text(encoding="utf-8").rpartition("worker ready")[2]
    )
    service.tell(name)
    return process.wait(STOP_SECONDS)


def test_what_finishes_in_time_is_finished_before_the_process_ends(service: Stack) -> None:
    identifier = submit(service)
    pid = process_on(service, identifier, JobState.GENERATING)

    assert service.stop(part_of(service, pid)) == 0

    assert service.job(identifier).state in {JobState.SCORING, JobState.DONE}
    assert ended(service, identifier).state is JobState.DONE
    assert actions(service, identifier).count("job.generating") == 1


@pytest.mark.parametrize("state", [JobState.GENERATING, JobState.SCORING])
def test_what_is_not_finished_is_done_by_another(service: Stack, state: JobState) -> None:
    identifier = submit(service, tokens=480)
    pid = process_on(service, identifier, state)
    begun = time.monotonic()

    assert hasten(service, part_of(service, pid)) == 0

    assert time.monotonic() - begun < EXIT_SECONDS + BUSY_SECONDS
    assert process_on(service, identifier, state) != pid
    assert service.job(identifier).attempts == 1
    job = ended(service, identifier)
    assert (job.state, verdicts(service, identifier)) == (JobState.DONE, OUTPUTS)
    said = actions(service, identifier)
    assert said.count("job.done") == 1
    assert said.count("job.scoring") == 1
    assert said.count("job.queued") == (state is JobState.GENERATING)


@pytest.mark.postgres
@pytest.mark.redis
def test_a_worker_gives_back_in_time_though_its_broker_is_gone(
    postgres_server: str, tmp_path: Path
) -> None:
    port = stack.free_port()
    with neighbours.scratch_postgres(postgres_server) as url:
        settings = stack.production(
            tmp_path, database_url=url, broker_url=f"redis://127.0.0.1:{port}/0"
        ).model_copy(update={"stop_seconds": 0.5, "job_lease_seconds": 600})
        with stack.running(settings, parts=()) as service:
            with neighbours.redis_on(port, tmp_path):
                stack.start(service, "generate")
                identifier = submit(service, tokens=480)
                process_on(service, identifier, JobState.GENERATING)
            begun = time.monotonic()

            assert service.stop("generate") == 0

            assert time.monotonic() - begun < settings.stop_seconds + EXIT_SECONDS + BUSY_SECONDS
            job = service.job(identifier)
            assert (job.state, job.attempts, job.lease_owner) == (JobState.QUEUED, 0, None)
