from uuid import UUID

import pytest

from registry.db.session import Database
from registry.jobs import queries, returns
from registry.jobs.model import Job
from registry.jobs.states import JobState
from tests.support import rows


def give_back(database: Database, *jobs: Job, owner: str = "worker") -> list[UUID]:
    with database.transaction() as session:
        return [
            each.id for each in returns.give_back(session, [job.id for job in jobs], owner=owner)
        ]


@pytest.mark.parametrize("scoring", [False, True])
def test_a_job_goes_back_without_counting_the_attempt(database: Database, scoring: bool) -> None:
    job = rows.submit(database, rows.make_world(database))
    claimed = rows.claim(database, job)
    if scoring:
        rows.seal(database, claimed)
        claimed = rows.claim(database, job, scoring=True)

    assert give_back(database, job) == [job.id]

    with database.reading() as session:
        found = queries.get(session, job.id)
    assert found.state is (JobState.SCORING if scoring else JobState.QUEUED)
    assert (found.attempts, found.lease_owner, found.leased_until) == (0, None, None)
    again = rows.claim(database, job, scoring=scoring)
    assert again.fence > claimed.fence
    assert again.attempts == 1


def test_what_others_hold_and_what_is_sealed_stays(database: Database) -> None:
    world = rows.make_world(database)
    held, waiting, sealed = (rows.submit(database, world) for _ in range(3))
    rows.claim(database, held)
    rows.seal(database, rows.claim(database, sealed))

    assert give_back(database, held, owner="another worker") == []
    assert give_back(database, waiting, sealed) == []
