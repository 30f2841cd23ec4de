"""How far jobs are, in the records."""

from registry.db.session import Database
from registry.jobs import leases, progress
from registry.jobs.model import Job
from registry.jobs.states import JobState, OutputState
from tests.support import rows


def note(database: Database, job: Job, *counts: int) -> None:
    """Write down numbers of tokens, as a heartbeat does."""
    with database.transaction() as session:
        progress.note(session, {job.id: (job, counts)})


def tokens(database: Database, job: Job) -> list[int | None]:
    """Read the numbers of tokens of a job's outputs."""
    with database.reading() as session:
        return [each.new_tokens for each in progress.of(session, [job.id])[job.id].outputs]


def test_outputs_count_while_they_are_generated(database: Database) -> None:
    world = rows.make_world(database)
    job = rows.submit(database, world, n=2)
    before = tokens(database, job)
    claimed = rows.claim(database, job)

    note(database, claimed, 5, 7)

    assert (before, tokens(database, job)) == ([None, None], [5, 7])


def test_a_sealed_output_says_how_many_tokens_it_came_to(database: Database) -> None:
    world = rows.make_world(database)
    claimed = rows.claim(database, rows.submit(database, world))
    note(database, claimed, 2)

    sealed = rows.seal(database, claimed)

    assert tokens(database, sealed) == [3]


def test_a_worker_believed_dead_counts_no_more(database: Database) -> None:
    world = rows.make_world(database)
    first = rows.claim(database, rows.submit(database, world))
    with database.transaction() as session:
        leases.hand_back(
            session,
            leases.held(session, first),
            actor="sweep",
            attempts_limit=3,
            code="worker_lost",
            detail="",
        )
    second = rows.claim(database, first)
    note(database, second, 1)

    note(database, first, 99)

    assert tokens(database, second) == [1]


def test_the_next_attempt_counts_from_the_start(database: Database) -> None:
    world = rows.make_world(database)
    claimed = rows.claim(database, rows.submit(database, world))
    note(database, claimed, 40)

    with database.transaction() as session:
        leases.hand_back(
            session,
            leases.held(session, claimed),
            actor="worker",
            attempts_limit=None,
            code="ending",
            detail="",
        )

    assert tokens(database, claimed) == [None]


def test_many_jobs_are_asked_for_at_once(database: Database) -> None:
    world = rows.make_world(database)
    jobs = [rows.submit(database, world, n=2) for _ in range(3)]
    claimed = rows.claim(database, jobs[1])
    note(database, claimed, 4, 0)

    with database.reading() as session:
        found = progress.of(session, [each.id for each in jobs[:2]])

    assert set(found) == {jobs[0].id, jobs[1].id}
    assert found[jobs[0].id].state is JobState.QUEUED
    assert found[jobs[1].id].state is JobState.GENERATING
    assert [(each.index, each.state, each.new_tokens) for each in found[jobs[1].id].outputs] == [
        (0, OutputState.PENDING, 4),
        (1, OutputState.PENDING, 0),
    ]
