"""Redis is stopped; a job is accepted all the same, and runs when Redis is back."""

from pathlib import Path

import pytest

from registry.jobs.states import JobState
from tests.support import neighbours, stack

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


def test_a_job_submitted_while_redis_is_down_runs_later(
    postgres_server: str, tmp_path: Path
) -> None:
    port = stack.free_port()
    with neighbours.scratch_postgres(postgres_server) as url:
        settings = stack.production(
            tmp_path, database_url=url, broker_url=f"redis://127.0.0.1:{port}/0"
        )
        with stack.running(settings) as service, service.client() as client:
            name = service.ready.release.name

            accepted = client.submit(name, "Once upon a time", max_new_tokens=8)

            assert service.job(accepted["id"]).state is JobState.QUEUED
            with neighbours.redis_on(port, tmp_path):
                assert service.wait_for(accepted["id"]).state is JobState.DONE
            lost = client.submit(name, "Once upon a time", max_new_tokens=8)
            with neighbours.redis_on(port, tmp_path):
                assert service.wait_for(lost["id"]).state is JobState.DONE
