"""The soak, for as long as CI has; ``python -m tests.fault.soak`` runs the long one."""

from pathlib import Path

import pytest

from tests.fault.soak import WORKERS, soak
from tests.support import neighbours
from tests.support.servers import NotInstalled

SECONDS = 40
JOBS = 60


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.timeout(900)
def test_workers_and_servers_are_killed_and_every_job_ends_once(tmp_path: Path) -> None:
    try:
        found = soak(tmp_path, seconds=SECONDS, jobs=JOBS, seed=7)
    except NotInstalled as absent:
        neighbours.missing(absent.neighbour, str(absent))

    assert found.wrong == []
    assert found.counts["jobs done"] == JOBS
    assert found.counts["kills"] >= len(WORKERS)  # more where workers start quickly
    assert found.counts["times Redis was killed"] == 1
    assert found.counts["times PostgreSQL was killed"] == 1
    assert found.counts["polls of rows"] > SECONDS
    assert found.counts["texts read over HTTP"] > 0
