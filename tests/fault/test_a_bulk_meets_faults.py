"""Redis is down when a bulk comes, and workers are killed in its middle: nothing is lost."""

import json
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select

from registry.jobs.model import Job, Output
from registry.jobs.states import JobState
from registry.ledger.model import Entry
from registry.verdicts.model import VerdictRecord
from tests.support import neighbours, stack
from tests.support.stack import Stack

LINES = 60


def submit(service: Stack, *, max_new_tokens: int) -> None:
    lines = (
        json.dumps(
            {"custom_id": str(number), "prompt": "Once upon", "max_new_tokens": max_new_tokens}
        )
        for number in range(LINES)
    )
    with service.client() as client:
        client.submit_bulk(service.ready.release.name, "\n".join(lines).encode())


def counts(service: Stack) -> Counter[JobState]:
    with service.database.reading() as session:
        found = session.execute(
            select(Job.state, func.count()).where(Job.bulk_id.is_not(None)).group_by(Job.state)
        )
        return Counter({row[0]: row[1] for row in found})


def done(service: Stack) -> int:
    return counts(service)[JobState.DONE]


def has_done(service: Stack, lines: int) -> bool:
    return done(service) >= lines


def times_done(service: Stack) -> list[int]:
    """Return how often each job of the bulk ended well."""
    with service.database.reading() as session:
        identifiers = {
            str(each) for each in session.scalars(select(Job.id).where(Job.bulk_id.is_not(None)))
        }
        ends = Counter(session.scalars(select(Entry.subject).where(Entry.action == "job.done")))
    return [ends[each] for each in identifiers]


def verdicts(service: Stack) -> list[int]:
    """Return how many verdicts each output of the bulk has."""
    with service.database.reading() as session:
        outputs = session.scalars(
            select(Output.id).join(Job, Job.id == Output.job_id).where(Job.bulk_id.is_not(None))
        ).all()
        given = Counter(session.scalars(select(VerdictRecord.output_id)))
    return [given[each] for each in outputs]


def test_a_bulk_whose_workers_are_killed_ends_with_every_line_once(tmp_path: Path) -> None:
    with stack.running(stack.embedded(tmp_path)) as service:
        submit(service, max_new_tokens=40)
        for part in ("generate", "score", "generate"):
            some = done(service) + 1
            service.until(partial(has_done, service, some))
            service.kill(part)

        service.until(partial(has_done, service, LINES))

        assert times_done(service) == [1] * LINES
        assert verdicts(service) == [1] * LINES


@pytest.mark.postgres
@pytest.mark.redis
def test_a_bulk_submitted_while_redis_is_down_is_accepted_and_runs_later(
    postgres_server: str, tmp_path: Path
) -> None:
    port = stack.free_port()
    with neighbours.scratch_postgres(postgres_server) as url:
        settings = stack.production(
            tmp_path, database_url=url, broker_url=f"redis://127.0.0.1:{port}/0"
        )
        with stack.running(settings) as service:
            submit(service, max_new_tokens=4)

            assert counts(service) == {JobState.QUEUED: LINES}
            with neighbours.redis_on(port, tmp_path):
                service.until(partial(has_done, service, LINES))

            assert times_done(service) == [1] * LINES
            assert verdicts(service) == [1] * LINES
