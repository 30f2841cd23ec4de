"""One worker process: its parts, its Celery application, its start and its end."""

import os
import socket
import threading
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from celery import Celery
from celery.signals import worker_ready

from registry.db.session import Database
from registry.jobs import returns
from registry.jobs.lanes import Lane
from registry.releases import queries as releases
from registry.settings import Settings
from workers.broker import make_app, queue
from workers.dispatch import Dispatcher
from workers.generating import make_generating
from workers.generation.freeing import keep_memory_at_hand
from workers.heart import Heart
from workers.queues import generate_queue, score_queue
from workers.shift import Shift
from workers.tasks import register
from workers.worker import Worker

log = structlog.get_logger(__name__)

QUEUE_WATCH_SECONDS = 1.0
IDLE_QUEUE = "generate.none"
SCORE_QUEUES = tuple(score_queue(lane) for lane in Lane)


def run_worker(settings: Settings, *, generates: bool, scores: bool, names: Sequence[str]) -> None:
    """Serve the queues until the process is told to end, as ``shift`` describes.

    Args:
        settings: The settings.
        generates: Whether this process generates.
        scores: Whether this process scores.
        names: Releases to generate for; none means every published one, also later ones.

    Raises:
        CanaryFailed: A filter scores wrong; this process must not score.
        BadPolicy: The policy in force asks for what no filter here provides.
        Unavailable: The engine process does not start.
    """
    keep_memory_at_hand()
    database = Database(settings.records_url)
    dispatcher = Dispatcher(settings)
    heart = Heart(database, lease_seconds=settings.job_lease_seconds)
    worker = Worker(
        database=database,
        dispatcher=dispatcher,
        heart=heart,
        settings=settings,
        name=f"{socket.gethostname()}:{os.getpid()}",
    )
    shift = Shift(
        seconds=settings.stop_seconds, give_back=lambda job_ids: give_back(worker, job_ids)
    )
    shift.listen()
    app = make_app(settings)
    queues = _Queues(app, database, names if generates else None)
    scoring = generating = None
    try:
        if generates:
            generating = make_generating(worker, when_lost=lambda: shift.end(os.EX_SOFTWARE))
            generating.start(pause=queues.pause, resume=queues.resume)
        if scores:
            # Filters bring torch into this process, which a worker that only generates spares.
            from workers.scoring import load_scoring  # noqa: PLC0415

            scoring = load_scoring(worker, when_ended=lambda: queues.give_up(*SCORE_QUEUES))
            scoring.watch.start()
        register(
            app,
            shift=shift,
            generate=generating.generator.generate if generating else None,
            score=scoring.scorer.score if scoring else None,
            screen_prompt=scoring.prompts.screen if scoring else None,
        )
        threads = settings.generate_threads * generates + settings.score_threads * scores
        _serve(app, shift, threads=threads, scores=scores, queues=queues)
    finally:
        queues.stop()
        if scoring is not None:
            scoring.watch.stop()
        heart.stop()
        if generating is not None:
            generating.close()
        dispatcher.close()
        database.close()
    shift.leave()


def give_back(worker: Worker, job_ids: Sequence[UUID]) -> None:
    """Let go of those of these jobs that a worker holds, and send them to others."""
    with worker.database.transaction() as session:
        jobs = returns.give_back(session, job_ids, owner=worker.name)
        worker.dispatcher.send_all_after_commit(session, jobs)
    if jobs:
        log.info("jobs given back", jobs=len(jobs))


def _serve(app: Celery, shift: Shift, *, threads: int, scores: bool, queues: "_Queues") -> None:
    """Run Celery's worker in this process, with threads."""

    def ready(sender: Any, **_: Any) -> None:
        log.info("worker ready", threads=threads)
        queues.start(sender)

    class Server(app.Worker):  # type: ignore[misc]
        def install_platform_tweaks(self, _worker: Any) -> None:
            """Leave the signals to the shift; Celery would wait for as long as jobs take."""

    worker_ready.connect(ready, weak=False)
    app.steps["worker"].add(shift.bootstep())
    # Celery takes "no queue" for "every queue", so there is always one, if only an empty one.
    first = [*SCORE_QUEUES] if scores else [IDLE_QUEUE, *queues.known()]
    for name in first:
        app.amqp.queues.add(queue(name))
    Server(
        pool="threads",
        concurrency=threads,
        queues=first,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        loglevel="WARNING",
        quiet=True,
    ).start()


class _Queues:
    """Serves the queue of each release from the moment it is published, and gives queues up.

    Args:
        app: The Celery application.
        database: Where releases are.
        names: Releases to serve; none means every one; ``None`` means that nothing is generated.
    """

    def __init__(self, app: Celery, database: Database, names: Sequence[str] | None) -> None:
        self._app = app
        self._database = database
        self._names = names
        self._served: set[str] = set()
        self._consumer: Any = None
        self._given_up: set[str] = set()
        self._paused: set[str] = set()
        self._stopped = threading.Event()

    def known(self) -> list[str]:
        """Return the queues to serve now."""
        if self._names is None:
            return []
        with self._database.reading() as session:
            digests = releases.published_digests(session, self._names)
        return sorted(generate_queue(digest, lane) for digest in digests for lane in Lane)

    def start(self, consumer: Any) -> None:
        """Watch for releases that are published while the worker runs."""
        self._consumer = consumer
        self._served = {each.name for each in consumer.task_consumer.queues}
        self.give_up(*self._given_up)
        threading.Thread(target=self._watch, args=(consumer,), name="queues", daemon=True).start()

    def give_up(self, *names: str) -> None:
        """Take no more messages of these queues, for good."""
        self._given_up |= set(names)
        if self._consumer is not None:
            for name in names:
                self._consumer.call_soon(self._consumer.cancel_task_queue, name)

    def pause(self, digest: str) -> None:
        """Take no messages of a release for a while: another worker may have it in memory."""
        self._paused |= _queues_of(digest)
        self._follow(digest)

    def resume(self, digest: str) -> None:
        """Take messages of a release again."""
        self._paused -= _queues_of(digest)
        self._follow(digest)

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()

    def _follow(self, digest: str) -> None:
        """Have the consumer take or leave a release's queues, as it is by then."""
        for name in _queues_of(digest) & self._served:
            self._consumer.call_soon(self._take_or_leave, name)

    def _take_or_leave(self, name: str) -> None:
        # Celery runs what it was told soon in any order, so the last word is looked up here.
        if name in self._paused:
            self._consumer.cancel_task_queue(name)
        else:
            self._consumer.add_task_queue(name)

    def _watch(self, consumer: Any) -> None:
        while not self._stopped.wait(QUEUE_WATCH_SECONDS):
            try:
                fresh = [name for name in self.known() if name not in self._served]
            except Exception:
                log.exception("releases could not be listed; tried again in a moment")
                continue
            for name in fresh:
                self._app.amqp.queues.add(queue(name))
                consumer.call_soon(consumer.add_task_queue, name)
                self._served.add(name)
                log.info("serving a queue", queue=name)


def _queues_of(digest: str) -> set[str]:
    return {generate_queue(digest, lane) for lane in Lane}
