"""How deep a release's queues are, on real records."""

import pytest
from sqlalchemy import event, text

from registry.db.session import Database
from registry.jobs import bulk, leases, queries, turns
from registry.jobs import service as jobs
from registry.jobs.depths import Depth, depths
from registry.jobs.intake import Line
from registry.jobs.lanes import Lane
from tests.support import rows
from tests.support.rows import World

ROOM = 4


@pytest.fixture
def world(database: Database) -> World:
    return rows.make_world(database)


def submit_bulk(database: Database, world: World, count: int) -> None:
    lines = [Line("hi", rows.PARAMETERS, str(number)) for number in range(count)]
    with database.transaction() as session:
        bulk.submit(
            session,
            account=world.researcher,
            release=world.release,
            lines=lines,
            sha256="0" * 64,
        )


def send_portion(database: Database, world: World) -> None:
    with database.transaction() as session:
        for each in turns.take(session, world.release.id, room_jobs=ROOM):
            leases.note_sent(each, resend_after_seconds=60)


def test_jobs_are_counted_where_they_are(database: Database, world: World) -> None:
    running, sealed, done = (rows.submit(database, world) for _ in range(3))
    submit_bulk(database, world, 5)
    send_portion(database, world)
    rows.submit(database, world)
    rows.claim(database, running)
    rows.seal(database, rows.claim(database, sealed))
    with database.transaction() as session:
        jobs.cancel(session, queries.get(session, done.id), actor="ada")

    with database.reading() as session:
        found = depths(session, [world.release.id])

    assert found[world.release.id] == {
        Lane.INTERACTIVE: Depth(held=1, queued=0, generating=1, scoring=1),
        Lane.BULK: Depth(held=3, queued=2),
    }


def test_a_release_without_jobs_is_empty_and_others_do_not_count(
    database: Database, world: World
) -> None:
    rows.submit(database, world)
    with database.transaction() as session:
        other = rows.made_up_release(session, "corral/other")

    with database.reading() as session:
        found = depths(session, [other.id])

    assert found == {other.id: dict.fromkeys(Lane, Depth())}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_only_unfinished_jobs_are_read(database: Database, world: World) -> None:
    rows.submit(database, world)
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    with database.reading() as session:
        depths(session, [world.release.id])
        [statement] = [each for each in asked if "count(" in each]
        plan = session.execute(text("EXPLAIN QUERY PLAN " + statement.replace("?", "''"))).all()

    assert any("USING INDEX ix_jobs_unfinished" in row[-1] for row in plan)
