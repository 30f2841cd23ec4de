"""Redis is stopped; a job is accepted all the same, and runs when Redis is back."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from registry.jobs.states import JobState
from tests.support import neighbours, stack

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


@contextmanager
def redis_on(port: int, folder: Path) -> Iterator[None]:
    """Run a Redis of our own."""
    binary = shutil.which("redis-server")
    if binary is None:
        neighbours.missing("redis", "no redis-server to start one of our own")
    process = subprocess.Popen(
        [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
        stdout=subprocess.DEVNULL,
    )
    client = redis.Redis(port=port)
    try:
        for _ in range(100):
            try:
                client.ping()
                break
            except redis.RedisError:
                time.sleep(0.05)
        yield
    finally:
        client.close()
        process.terminate()
        process.wait()


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
            with redis_on(port, tmp_path):
                assert service.wait_for(accepted["id"]).state is JobState.DONE
            lost = client.submit(name, "Once upon a time", max_new_tokens=8)
            with redis_on(port, tmp_path):
                assert service.wait_for(lost["id"]).state is JobState.DONE
