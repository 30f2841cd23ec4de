"""Jobs that are held, and the portions that are taken of them, on real records."""

from uuid import UUID

import pytest

from registry.accounts import service as accounts
from registry.accounts.model import Account, Role
from registry.db.session import Database
from registry.jobs import bulk, leases, queries, turns
from registry.jobs import service as jobs
from registry.jobs.intake import Line
from registry.jobs.model import Bulk, Job
from registry.releases.model import ReleaseState
from tests.support import rows
from tests.support.rows import World

ROOM = 8


@pytest.fixture
def world(database: Database) -> World:
    return rows.make_world(database)


def add_researcher(database: Database, world: World, handle: str) -> Account:
    with database.transaction() as session:
        account = accounts.add(session, handle=handle, roles=[Role.RESEARCHER])
        rows.approve(session, world.release, account, world.reviewer)
        return account


def submit_bulk(
    database: Database, world: World, count: int, account: Account | None = None
) -> Bulk:
    lines = [Line("hi", rows.PARAMETERS, str(number)) for number in range(count)]
    with database.transaction() as session:
        return bulk.submit(
            session,
            account=account or world.researcher,
            release=world.release,
            lines=lines,
            sha256="0" * 64,
        )


def send(database: Database, world: World) -> list[Job]:
    """Take a portion as a dispatcher does."""
    with database.transaction() as session:
        portion = turns.take(session, world.release.id, room_jobs=ROOM)
        for each in portion:
            leases.note_sent(each, resend_after_seconds=60)
        return portion


def is_worth_it(database: Database, world: World) -> bool:
    with database.reading() as session:
        return turns.is_worth_it(session, world.release.id, room_jobs=ROOM)


def test_a_bulk_is_sent_in_the_order_of_its_lines_and_each_line_once(
    database: Database, world: World
) -> None:
    submit_bulk(database, world, 10)
    sent: list[Job] = []

    while portion := send(database, world):
        sent += portion
        for each in portion:
            rows.seal(database, rows.claim(database, each))
            rows.claim(database, each, scoring=True)

    assert [each.custom_id for each in sent] == [str(number) for number in range(10)]


def test_one_researcher_has_at_most_half_of_the_room(database: Database, world: World) -> None:
    submit_bulk(database, world, 20)

    assert len(send(database, world)) == ROOM // 2
    assert send(database, world) == []


def test_ten_thousand_jobs_of_one_do_not_hold_up_three_of_another(
    database: Database, world: World
) -> None:
    submit_bulk(database, world, 200)
    send(database, world)
    bob = add_researcher(database, world, "bob")
    submit_bulk(database, world, 3, bob)

    portion = send(database, world)

    assert [each.account_id for each in portion] == [bob.id] * 3


def test_jobs_that_are_worked_on_take_no_room(database: Database, world: World) -> None:
    submit_bulk(database, world, 20)
    for each in send(database, world):
        rows.claim(database, each)

    assert len(send(database, world)) == ROOM // 2


def test_what_waits_to_be_scored_takes_room(database: Database, world: World) -> None:
    submit_bulk(database, world, 20)
    for each in send(database, world):
        rows.seal(database, rows.claim(database, each))

    assert send(database, world) == []


def test_a_bulk_leaves_the_room_of_single_prompts_alone(database: Database, world: World) -> None:
    submit_bulk(database, world, 20)
    send(database, world)
    job = rows.submit(database, world)

    with database.reading() as session:
        assert turns.has_room(session, queries.get(session, job.id), room_jobs=ROOM)


def test_single_prompts_beyond_the_room_are_held_and_have_their_turn(
    database: Database, world: World
) -> None:
    held: list[UUID] = []
    for _ in range(ROOM):
        job = rows.submit(database, world)
        with database.transaction() as session:
            row = queries.get(session, job.id)
            if turns.has_room(session, row, room_jobs=ROOM):
                leases.note_sent(row, resend_after_seconds=60)
                first = row
            else:
                held.append(row.id)
    rows.claim(database, first)

    portion = send(database, world)

    assert len(held) == ROOM // 2
    assert [each.id for each in portion] == held[:1]


def test_a_portion_is_worth_it_when_a_quarter_of_the_room_is_free(
    database: Database, world: World
) -> None:
    submit_bulk(database, world, 20)
    portion = send(database, world)
    worth = []

    for each in portion[:2]:
        rows.claim(database, each)
        worth.append(is_worth_it(database, world))

    assert worth == [False, True]


def test_somebody_with_nothing_waiting_makes_a_portion_worth_it(
    database: Database, world: World
) -> None:
    submit_bulk(database, world, 20)
    send(database, world)
    bob = add_researcher(database, world, "bob")
    before = is_worth_it(database, world)

    submit_bulk(database, world, 1, bob)

    assert (before, is_worth_it(database, world)) == (False, True)


@pytest.mark.parametrize("state", [ReleaseState.QUARANTINED, ReleaseState.WITHDRAWN])
def test_nothing_is_sent_for_a_release_that_nobody_may_use(
    database: Database, world: World, state: ReleaseState
) -> None:
    submit_bulk(database, world, 5)
    with database.transaction() as session:
        rows.move(session, world.release.name, state)

    with database.reading() as session:
        held_up = turns.releases_held_up(session)

    assert (held_up, send(database, world)) == ([], [])


def test_a_job_that_was_cancelled_while_it_was_held_is_not_sent(
    database: Database, world: World
) -> None:
    submit_bulk(database, world, 2)
    with database.transaction() as session:
        first, _ = jobs_of(database, world)
        jobs.cancel(session, queries.get(session, first), actor="ada")

    assert [each.custom_id for each in send(database, world)] == ["1"]


def jobs_of(database: Database, world: World) -> list[UUID]:
    with database.reading() as session:
        page = queries.page(
            session, owner=world.researcher, state=None, release=None, limit=50, cursor=None
        )
        return [each.id for each in reversed(page.rows)]


def test_of_two_who_take_at_the_same_time_nobody_takes_the_same(
    database: Database, world: World
) -> None:
    if database.engine.dialect.name == "sqlite":
        pytest.skip("writers take turns on SQLite")
    submit_bulk(database, world, 20)

    with database.transaction() as one, database.transaction() as other:
        first = turns.take(one, world.release.id, room_jobs=ROOM)
        second = turns.take(other, world.release.id, room_jobs=ROOM)

    assert len(first) == ROOM // 2
    assert not {each.id for each in first} & {each.id for each in second}
