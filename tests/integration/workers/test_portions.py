"""Rows become messages in portions, in a folder: by workers as they go on, and by the sweep."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from kombu.utils.json import loads
from sqlalchemy import select

from registry.access import service as access
from registry.db.session import Database
from registry.errors import JobMoved
from registry.jobs import bulk, leases
from registry.jobs.intake import Line
from registry.jobs.model import Job
from registry.jobs.states import JobState
from registry.settings import Settings
from tests.support import rows
from tests.support.rows import World
from workers.dispatch import Dispatcher
from workers.heart import Heart
from workers.sweep import Sweep
from workers.worker import Worker

ROOM = 8
LINES = 30


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"room_jobs": ROOM})


@pytest.fixture
def world(database: Database) -> World:
    return rows.make_world(database)


@pytest.fixture
def dispatcher(settings: Settings) -> Iterator[Dispatcher]:
    made = Dispatcher(settings)
    yield made
    made.close()


@pytest.fixture
def worker(database: Database, settings: Settings, dispatcher: Dispatcher) -> Iterator[Worker]:
    heart = Heart(database, lease_seconds=60)
    yield Worker(
        database=database, dispatcher=dispatcher, heart=heart, settings=settings, name="worker"
    )
    heart.stop()


def submit(database: Database, world: World, dispatcher: Dispatcher) -> None:
    lines = [Line("hi", rows.PARAMETERS, str(number)) for number in range(LINES)]
    with database.transaction() as session:
        bulk.submit(
            session,
            account=world.researcher,
            release=world.release,
            lines=lines,
            sha256="0" * 64,
        )
        dispatcher.send_portion(session, world.release.id)


def messages(settings: Settings) -> list[UUID]:
    """Take every message out of the folder; return the jobs that they name."""
    found = []
    for path in sorted(_folder(settings).iterdir()):
        body = loads(path.read_text())["headers"]["argsrepr"]
        path.unlink()
        found.append(UUID(body.strip("[]'()\", ")))
    return found


def _folder(settings: Settings) -> Path:
    return settings.data_dir / "queue" / "messages"


def states(database: Database) -> list[JobState]:
    with database.reading() as session:
        return list(session.scalars(select(Job.state)))


def test_the_sweep_sends_a_portion_once_there_is_room(
    database: Database, world: World, settings: Settings, dispatcher: Dispatcher
) -> None:
    sweep = Sweep(database, dispatcher, settings)
    submit(database, world, dispatcher)
    first = messages(settings)
    idle = sweep.once()["let_in"]
    for job_id in first:
        with database.transaction() as session:
            leases.claim_generating(session, [job_id], owner="worker", seconds=60)

    sent = sweep.once()["let_in"]

    second = messages(settings)
    assert (len(first), idle, sent, len(second)) == (ROOM // 2, 0, ROOM // 2, ROOM // 2)
    assert not set(first) & set(second)


def test_a_bulk_whose_approval_is_revoked_fails_to_its_last_line(
    database: Database, world: World, settings: Settings, dispatcher: Dispatcher, worker: Worker
) -> None:
    submit(database, world, dispatcher)
    with database.transaction() as session:
        access.revoke(
            session, approval_id=world.approval_id, reviewer=world.reviewer, reason="over"
        )

    claims = worker.claims(leases.claim_generating)
    while waiting := messages(settings):
        for job_id in waiting:
            with pytest.raises(JobMoved):
                worker.claim(job_id, claims)

    assert states(database) == [JobState.FAILED] * LINES
