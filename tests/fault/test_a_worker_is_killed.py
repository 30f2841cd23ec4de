"""A worker, or its engine, is killed with SIGKILL in each state; the job ends exactly once."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from registry.jobs.states import JobState
from registry.ledger.model import Entry
from registry.verdicts.model import VerdictRecord
from tests.support import stack
from tests.support.stack import WAIT_SECONDS, Stack

OUTPUTS = 16


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An embedded service with short leases."""
    with stack.running(stack.embedded(tmp_path_factory.mktemp("killed"))) as running:
        yield running


def submit(service: Stack) -> str:
    """Submit a job that takes a few seconds."""
    with service.client() as client:
        job = client.submit(
            service.ready.release.name,
            "Once upon a time",
            max_new_tokens=300,
            n=OUTPUTS,
            temperature=1.2,
        )
    return str(job["id"])


def verdicts_of(service: Stack, identifier: str) -> int:
    """Count the verdicts on a job's outputs."""
    with service.client() as client:
        outputs = [output["id"] for output in client.job(identifier)["outputs"]]
    with service.database.reading() as session:
        return sum(
            str(each) in outputs for each in session.scalars(select(VerdictRecord.output_id))
        )


def times_done(service: Stack, identifier: str) -> int:
    """Count how often a job ended well."""
    with service.database.reading() as session:
        query = select(func.count()).where(Entry.subject == identifier, Entry.action == "job.done")
        return session.scalar(query) or 0


@pytest.mark.parametrize(
    ("part", "state"), [("generate", JobState.GENERATING), ("score", JobState.SCORING)]
)
def test_a_job_whose_worker_is_killed_finishes_exactly_once(
    service: Stack, part: str, state: JobState
) -> None:
    identifier = submit(service)
    service.until(
        lambda: (
            service.job(identifier).state is state
            and service.job(identifier).lease_owner is not None
        )
    )

    service.kill(part)
    job = service.wait_for(identifier)

    assert job.state is JobState.DONE
    assert job.fence > 2
    assert times_done(service, identifier) == 1
    assert verdicts_of(service, identifier) == OUTPUTS


def test_a_job_whose_engine_process_is_killed_finishes_exactly_once(service: Stack) -> None:
    identifier = submit(service)
    service.until(lambda: service.job(identifier).state is JobState.GENERATING)
    worker, engine = service.part("generate").process, service.engine_process()
    assert worker is not None
    assert engine is not None

    os.kill(engine, signal.SIGKILL)
    status = worker.wait(WAIT_SECONDS)
    job = service.wait_for(identifier)

    assert status == os.EX_SOFTWARE, "or nobody would start it again"
    assert job.state is JobState.DONE
    assert job.fence > 2
    assert times_done(service, identifier) == 1
    assert verdicts_of(service, identifier) == OUTPUTS


def test_no_engine_process_outlives_its_worker(service: Stack) -> None:
    identifier = submit(service)
    service.until(lambda: service.job(identifier).state is JobState.GENERATING)
    engine = service.engine_process()

    service.kill("generate")

    service.until(lambda: not Path(f"/proc/{engine}").exists())
    assert service.wait_for(identifier).state is JobState.DONE


def test_a_job_that_waits_while_the_worker_is_killed_finishes(service: Stack) -> None:
    first, second = submit(service), submit(service)
    service.until(lambda: service.job(first).state is JobState.GENERATING)

    service.kill("generate")

    assert service.wait_for(first).state is JobState.DONE
    assert service.wait_for(second).state is JobState.DONE


def test_a_repeated_message_does_nothing_twice(service: Stack) -> None:
    identifier = submit(service)
    job = service.job(identifier)
    for _ in range(3):
        with service.database.transaction() as session:
            row = session.merge(job)
            service.dispatcher.send_after_commit(session, row)

    service.wait_for(identifier)

    assert times_done(service, identifier) == 1
    assert verdicts_of(service, identifier) == OUTPUTS
