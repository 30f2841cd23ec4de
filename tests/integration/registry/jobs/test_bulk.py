"""Bulks on real records: all or nothing, one entry, counts, and their end."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from registry.access import service as access
from registry.db.session import Database
from registry.errors import ApprovalRevoked, JobMoved, UnknownBulk
from registry.jobs import bulk, leases, queries
from registry.jobs import service as jobs
from registry.jobs.intake import Line
from registry.jobs.lanes import Lane
from registry.jobs.model import Bulk, Job, Output
from registry.jobs.states import JobState, OutputState
from registry.ledger.model import Entry
from tests.support import rows
from tests.support.rows import World

DIGEST = "d" * 64


@pytest.fixture
def world(database: Database) -> World:
    return rows.make_world(database)


def submit(database: Database, world: World, *, count: int = 3, n: int = 1) -> Bulk:
    lines = [
        Line(f"prompt {number}", replace(rows.PARAMETERS, n=n, seed=number), f"line-{number}")
        for number in range(count)
    ]
    with database.transaction() as session:
        return bulk.submit(
            session,
            account=world.researcher,
            release=world.release,
            lines=lines,
            sha256=DIGEST,
        )


def jobs_of(database: Database, made: Bulk) -> list[Job]:
    with database.reading() as session:
        return list(session.scalars(select(Job).where(Job.bulk_id == made.id).order_by(Job.id)))


def test_a_bulk_is_jobs_with_empty_outputs_in_the_order_of_its_lines(
    database: Database, world: World
) -> None:
    made = submit(database, world, count=2500, n=2)

    found = jobs_of(database, made)
    assert [each.custom_id for each in found] == [f"line-{number}" for number in range(2500)]
    assert {(each.state, each.lane, each.send_again_at) for each in found} == {
        (JobState.QUEUED, Lane.BULK, None)
    }
    assert (found[7].prompt, found[7].seed, found[7].stop) == ("prompt 7", 7, [])
    with database.reading() as session:
        outputs = session.execute(
            select(Output.index, Output.state, Output.text, func.count()).group_by(
                Output.index, Output.state, Output.text
            )
        ).all()
    assert sorted(map(tuple, outputs)) == [
        (0, OutputState.PENDING, None, 2500),
        (1, OutputState.PENDING, None, 2500),
    ]


def test_a_bulk_has_one_entry_with_the_digest_of_its_lines(
    database: Database, world: World
) -> None:
    with database.reading() as session:
        before = session.scalar(select(func.count()).select_from(Entry)) or 0

    made = submit(database, world)

    with database.reading() as session:
        entries = session.scalars(select(Entry).order_by(Entry.id)).all()[before:]
    assert [(each.action, each.subject) for each in entries] == [("bulk.submitted", str(made.id))]
    assert f'"lines_sha256":"{DIGEST}"' in entries[0].facts
    assert '"jobs":3' in entries[0].facts


def test_without_an_approval_nothing_is_accepted(database: Database, world: World) -> None:
    with database.transaction() as session:
        access.revoke(
            session,
            approval_id=world.approval_id,
            reviewer=world.reviewer,
            reason="over",
        )

    with pytest.raises(ApprovalRevoked):
        submit(database, world)

    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 0


def test_its_jobs_are_counted_by_state(database: Database, world: World) -> None:
    made = submit(database, world)
    first, second, _ = jobs_of(database, made)
    rows.claim(database, first)
    with database.transaction() as session:
        jobs.cancel(session, queries.get(session, second.id), actor="ada")

    with database.reading() as session:
        found = bulk.progress(session, made)

    counts = {state: count for state, count in found.counts.items() if count}
    assert counts == {JobState.QUEUED: 1, JobState.GENERATING: 1, JobState.CANCELLED: 1}
    assert found.finished_at is None


def test_a_cancelled_bulk_ends_every_job_that_had_not_ended(
    database: Database, world: World
) -> None:
    made = submit(database, world, count=4)
    generating, scoring, failed, _ = jobs_of(database, made)
    claimed = rows.claim(database, generating)
    rows.seal(database, rows.claim(database, scoring))
    with database.transaction() as session:
        leases.fail_waiting(session, failed.id, actor="test", code="a_test", detail="a test")

    with database.transaction() as session:
        assert bulk.cancel(session, made, actor="ada") == 3

    with database.reading() as session:
        found = bulk.progress(session, made)
        actions = session.scalars(select(Entry.action).where(Entry.subject == str(made.id))).all()
    assert (found.counts[JobState.CANCELLED], found.counts[JobState.FAILED]) == (3, 1)
    assert found.finished_at is not None
    assert actions == ["bulk.submitted", "bulk.cancelled"]
    with pytest.raises(JobMoved):
        rows.seal(database, claimed)


def test_a_bulk_that_has_ended_cannot_be_cancelled(database: Database, world: World) -> None:
    made = submit(database, world)
    with database.transaction() as session:
        bulk.cancel(session, made, actor="ada")

    with pytest.raises(JobMoved), database.transaction() as session:
        bulk.cancel(session, made, actor="ada")


def test_what_has_ended_comes_in_pages_in_the_order_of_the_lines(
    database: Database, world: World
) -> None:
    made = submit(database, world, count=5)
    ending = [each for each in jobs_of(database, made) if each.custom_id != "line-2"]
    for each in reversed(ending):
        with database.transaction() as session:
            jobs.cancel(session, queries.get(session, each.id), actor="ada")

    with database.reading() as session:
        first = bulk.ended(session, made, after=None, limit=3)
        rest = bulk.ended(session, made, after=first[-1].id, limit=3)

    found = [[each.custom_id for each in page] for page in (first, rest)]
    assert found == [["line-0", "line-1", "line-3"], ["line-4"]]


def test_a_bulk_is_its_owners(database: Database, world: World) -> None:
    made = submit(database, world)

    with database.reading() as session:
        mine = bulk.page(session, owner=world.researcher, limit=10, cursor=None).rows
        others = bulk.page(session, owner=world.reviewer, limit=10, cursor=None).rows
        with pytest.raises(UnknownBulk):
            bulk.owned(session, made.id, owner=world.reviewer)

    assert ([each.id for each in mine], others) == ([made.id], [])
