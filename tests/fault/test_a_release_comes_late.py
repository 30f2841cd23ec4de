"""A generating worker that starts before anything is published serves what comes later."""

from pathlib import Path

import migrations
from api.cli import demo
from api.cli.processes import Processes
from registry.db.session import Database
from registry.jobs import queries
from registry.jobs.states import JobState
from tests.support import stack
from workers.dispatch import Dispatcher


def test_a_worker_serves_a_release_that_is_published_while_it_runs(tmp_path: Path) -> None:
    settings = stack.embedded(tmp_path)
    migrations.upgrade(settings.records_url)
    database, dispatcher = Database(settings.records_url), Dispatcher(settings)
    processes = Processes(
        tmp_path / "log",
        stack.environment_of(settings),
        stop_seconds=settings.stop_seconds,
    )
    try:
        processes.start("generate", "worker", "--queue", "generate")
        log = tmp_path / "log" / "generate.log"
        stack.wait_until(lambda: "worker ready" in log.read_text(encoding="utf-8"), processes)
        ready = demo.prepare(database, settings)
        [job, *_] = demo.submit(database, dispatcher, ready)

        def is_generated() -> bool:
            with database.reading() as session:
                return queries.get(session, job).state is JobState.SCORING

        stack.wait_until(is_generated, processes)
    finally:
        processes.end()
        dispatcher.close()
        database.close()
