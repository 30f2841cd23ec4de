"""The whole service on both stacks, started once for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.support import neighbours, stack
from tests.support.stack import Stack


@pytest.fixture(
    scope="session",
    params=[
        "embedded",
        pytest.param("production", marks=[pytest.mark.postgres, pytest.mark.redis]),
    ],
)
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A running service: SQLite and a folder, or PostgreSQL and Redis."""
    folder = tmp_path_factory.mktemp(f"corral-{request.param}")
    if request.param == "embedded":
        with stack.running(stack.embedded(folder)) as running:
            yield running
        return
    server = request.getfixturevalue("postgres_server")
    broker = request.getfixturevalue("redis_server")
    with (
        neighbours.scratch_postgres(server) as url,
        stack.running(stack.production(folder, database_url=url, broker_url=broker)) as running,
    ):
        yield running
