from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from registry.access import service as access
from registry.clock import now
from registry.db.session import Database
from registry.errors import ApprovalRevoked, JobMoved, ReleaseQuarantined
from registry.jobs import leases, queries, recovery
from registry.jobs import service as jobs
from registry.jobs.model import Job, Output
from registry.jobs.states import JobState
from registry.ledger.model import Entry
from registry.releases import quarantine
from registry.releases.model import ReleaseState
from tests.support import rows


def expire(database: Database, job: Job) -> None:
    """Let a lease run out."""
    with database.transaction() as session:
        session.execute(
            update(Job).where(Job.id == job.id).values(leased_until=now() - timedelta(days=1))
        )


def look(database: Database, job: Job) -> Job:
    """Read a job again."""
    with database.reading() as session:
        return queries.get(session, job.id)


def test_of_two_workers_with_one_job_exactly_one_wins(database: Database) -> None:
    world = rows.make_world(database)
    job = rows.submit(database, world)
    rows.claim(database, job)

    with pytest.raises(JobMoved):
        rows.claim(database, job)

    assert look(database, job).fence == 1


def test_jobs_are_claimed_together_or_not_at_all(database: Database) -> None:
    world = rows.make_world(database)
    free, taken = rows.submit(database, world), rows.submit(database, world)
    rows.claim(database, taken)

    with pytest.raises(JobMoved), database.transaction() as session:
        leases.claim_generating(session, [free.id, taken.id], owner="other", seconds=60)
    with pytest.raises(JobMoved), database.transaction() as session:
        leases.claim_generating(session, [free.id, free.id], owner="other", seconds=60)

    assert (look(database, free).state, look(database, free).fence) == (JobState.QUEUED, 0)
    assert look(database, taken).lease_owner == "worker"


def test_a_stale_view_of_a_job_moves_nothing(database: Database) -> None:
    world = rows.make_world(database)
    stale = rows.submit(database, world)
    with database.transaction() as session:
        jobs.cancel(session, queries.get(session, stale.id), actor="ada")

    with pytest.raises(JobMoved), database.transaction() as session:
        jobs.advance(session, stale, to=JobState.GENERATING, actor="worker")


def test_a_worker_believed_dead_can_write_nothing(database: Database) -> None:
    world = rows.make_world(database)
    job = rows.submit(database, world)
    first = rows.claim(database, job)
    expire(database, job)
    with database.transaction() as session:
        recovery.recover(session, attempts_limit=3)
    rows.claim(database, job)

    with pytest.raises(JobMoved):
        rows.seal(database, first)

    with database.reading() as session:
        assert session.scalars(select(Output.text)).all() == [None]


def test_a_lost_job_is_queued_again(database: Database) -> None:
    world = rows.make_world(database)
    job = rows.submit(database, world)
    rows.claim(database, job)
    expire(database, job)

    with database.transaction() as session:
        recovered = recovery.recover(session, attempts_limit=3)

    assert recovered == 1
    assert look(database, job).state is JobState.QUEUED


def test_a_live_lease_is_left_alone(database: Database) -> None:
    world = rows.make_world(database)
    job = rows.submit(database, world)
    rows.claim(database, job)

    with database.transaction() as session:
        recovered = recovery.recover(session, attempts_limit=3)

    assert recovered == 0


def test_a_job_that_kills_workers_fails_with_the_reason(database: Database) -> None:
    world = rows.make_world(database)
    job = rows.submit(database, world)
    for _ in range(2):
        rows.claim(database, job)
        expire(database, job)
        with database.transaction() as session:
            recovery.recover(session, attempts_limit=2)

    ended = look(database, job)

    assert (ended.state, ended.failure_code) == (JobState.FAILED, "worker_lost")


def test_a_lost_scoring_lease_can_be_taken_again(database: Database) -> None:
    world = rows.make_world(database)
    job = rows.submit(database, world)
    rows.seal(database, rows.claim(database, job))
    first = rows.claim(database, job, scoring=True)
    expire(database, job)
    with database.transaction() as session:
        recovery.recover(session, attempts_limit=3)

    second = rows.claim(database, job, scoring=True)

    assert second.fence > first.fence


def test_a_revoked_approval_stops_the_claim(database: Database) -> None:
    world = rows.make_world(database)
    job = rows.submit(database, world)
    with database.transaction() as session:
        access.revoke(
            session, approval_id=world.approval_id, reviewer=world.reviewer, reason="test"
        )

    with pytest.raises(ApprovalRevoked):
        rows.claim(database, job)


def test_jobs_of_a_quarantined_release_wait(database: Database) -> None:
    world = rows.make_world(database)
    job = rows.submit(database, world)
    with database.transaction() as session:
        quarantine.place(
            session, digest=world.release.digest, actor="worker", reason="a byte differs"
        )
        assert recovery.due(session) == []

    with pytest.raises(ReleaseQuarantined):
        rows.claim(database, job)

    assert look(database, job).state is JobState.QUEUED


def test_jobs_of_a_withdrawn_release_fail(database: Database) -> None:
    world = rows.make_world(database)
    job = rows.submit(database, world)
    with database.transaction() as session:
        rows.move(session, world.release.name, ReleaseState.WITHDRAWN)

    with database.transaction() as session:
        recovery.fail_withdrawn(session)

    assert look(database, job).failure_code == "release_withdrawn"


def test_a_job_that_is_being_generated_with_bytes_in_doubt_is_taken_back(
    database: Database,
) -> None:
    world = rows.make_world(database)
    job = rows.claim(database, rows.submit(database, world))
    with database.transaction() as session:
        rows.move(session, world.release.name, ReleaseState.QUARANTINED)

    with database.transaction() as session:
        stopped = recovery.stop_quarantined(session)

    with database.reading() as session:
        assert leases.still_held(session, [job]) == set()
    waiting = look(database, job)
    assert (stopped, waiting.state, waiting.attempts) == (1, JobState.QUEUED, 0)


def test_a_job_that_is_being_generated_with_a_withdrawn_release_fails(database: Database) -> None:
    world = rows.make_world(database)
    job = rows.claim(database, rows.submit(database, world))
    with database.transaction() as session:
        rows.move(session, world.release.name, ReleaseState.WITHDRAWN)

    with database.transaction() as session:
        recovery.fail_withdrawn(session)

    assert look(database, job).failure_code == "release_withdrawn"


def test_a_message_is_due_again_later_each_time(database: Database) -> None:
    world = rows.make_world(database)
    job = rows.submit(database, world)
    waits = []

    for _ in range(3):
        with database.transaction() as session:
            row = queries.get(session, job.id)
            leases.note_sent(row, resend_after_seconds=60)
            assert row.send_again_at is not None
            waits.append(round((row.send_again_at - now()).total_seconds()))

    assert waits == [60, 120, 240]


def test_every_step_of_a_job_is_in_the_ledger(database: Database) -> None:
    world = rows.make_world(database)
    job = rows.submit(database, world)
    rows.seal(database, rows.claim(database, job))

    with database.reading() as session:
        actions = session.scalars(
            select(Entry.action).where(Entry.subject == str(job.id)).order_by(Entry.id)
        ).all()

    assert actions == ["job.submitted", "job.generating", "job.scoring"]


def test_a_failed_transaction_leaves_neither_job_nor_entry(database: Database) -> None:
    world = rows.make_world(database)
    with database.reading() as session:
        before = session.scalar(select(func.count()).select_from(Entry))

    def submit_then_fail() -> None:
        with database.transaction() as session:
            jobs.submit(
                session,
                account=world.researcher,
                release=world.release,
                prompt="hi",
                parameters=rows.PARAMETERS,
            )
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        submit_then_fail()

    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 0
        assert session.scalar(select(func.count()).select_from(Entry)) == before


def test_a_heartbeat_keeps_the_leases_that_are_held_and_no_others(database: Database) -> None:
    world = rows.make_world(database)
    held, lost = (rows.claim(database, rows.submit(database, world)) for _ in range(2))
    with database.transaction() as session:
        jobs.cancel(session, queries.get(session, lost.id), actor="ada")

    with database.transaction() as session:
        leases.renew(session, [held, lost], seconds=3600)

    until = look(database, held).leased_until
    assert until is not None
    assert until > now() + timedelta(minutes=30)
    assert look(database, lost).leased_until is None
