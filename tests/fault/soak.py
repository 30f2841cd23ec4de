"""Kill workers and servers for minutes while jobs run, and count what became of the jobs.

::

    .venv/bin/python -m tests.fault.soak --seconds 180 --jobs 500 --seed 7

It starts a PostgreSQL and a Redis of its own on free ports, from the programs that are
installed, and touches no other. Two workers generate and two score; every 2 to 5 seconds, or as
soon as one serves, a random one is killed with SIGKILL, or its engine process is. Redis is
emptied once and killed once, and PostgreSQL is killed once. When the time is up, everything may
finish; then each job must have ended exactly once, each output must have one verdict, nothing may
be stuck, the ledger must verify, and at no moment may an output without a verdict and a receipt of
its own have been readable.

Jobs have as many attempts as they need: with the three of the default, a job whose worker is
killed three times fails, and says so.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import redis
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from api.client import ApiProblem, ServerUnreachable
from registry.jobs.model import Job
from registry.ledger.model import Entry, Leaf
from tests.support import servers, stack
from tests.support.servers import Server
from tests.support.soaked import Outcome, Reader, outcome
from tests.support.stack import Stack

WORKERS = ("generate", "generate-2", "score", "score-2")
PAUSE_SECONDS = (2.0, 5.0)
DOWN_SECONDS = 1.0
ENGINE_SHARE = 0.3  # of the kills of generating workers hit their engine process alone
BULK_SHARE = 0.6
START_SECONDS = 300
FINISH_SECONDS = 600
ATTEMPTS_LIMIT = 1000


class Soak:
    """One soak.

    Args:
        service: Runs, with all its parts.
        postgres: The server of its records.
        broker: The server of its queue, and its address.
        seconds: How long to kill.
        jobs: How many to submit.
        seed: Of everything that is random.
    """

    def __init__(
        self,
        service: Stack,
        *,
        postgres: Server,
        broker: tuple[Server, str],
        seconds: float,
        jobs: int,
        seed: int,
    ) -> None:
        self._service = service
        self._postgres = postgres
        self._redis, self._redis_url = broker
        self._seconds = seconds
        self._jobs = jobs
        self._random = random.Random(seed)  # noqa: S311 (no secret)
        self._killed: Counter[str] = Counter()
        self._log_begins: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._without_engine: set[str] = set()
        self._reader = Reader(service, seed)

    def run(self) -> Outcome:
        """Submit, kill, wait, and count."""
        self._wait_for_workers()
        lines = [self._line() for _ in range(self._jobs)]
        in_bulk = round(BULK_SHARE * self._jobs)
        submitter = threading.Thread(
            target=self._submit, args=(lines[:in_bulk], lines[in_bulk:]), daemon=True
        )
        self._reader.start()
        submitter.start()
        begun = time.monotonic()
        for when, fault in self._faults():
            self._look_after_until(begun + when)
            if fault != self._kill or time.monotonic() < begun + self._seconds:
                fault()
        self._look_after_until(begun + self._seconds)
        submitter.join()
        killing = time.monotonic() - begun
        self._finish()
        self._reader.stop()
        with self._service.database.reading() as session:
            found = outcome(session, jobs=self._jobs)
        self._counts["seconds of killing"] = round(killing)
        self._counts["seconds until all had ended"] = round(time.monotonic() - begun)
        kills = {f"kills of {name}": self._killed[name] for name in WORKERS}
        counts = {"kills": sum(kills.values()), **kills, **self._counts, **found.counts}
        return Outcome({**counts, **self._reader.counts}, [*found.wrong, *self._reader.wrong])

    def _wait_for_workers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not all(map(self._serves, WORKERS)) and time.monotonic() < deadline:
            self._look_after_until(time.monotonic() + 0.2)

    def _line(self) -> dict[str, Any]:
        return {
            "prompt": "Once upon a time",
            "max_new_tokens": self._random.randint(16, 96),
            "n": self._random.randint(1, 3),
            "seed": self._random.randrange(2**31),
            "temperature": 1.1,
        }

    def _faults(self) -> Iterator[tuple[float, Callable[[], None]]]:
        """Yield what goes wrong, and after how many seconds."""
        faults: list[tuple[float, Callable[[], None]]] = [
            (0.25 * self._seconds, self._empty_redis),
            (0.5 * self._seconds, self._restart_redis),
            (0.7 * self._seconds, self._restart_postgres),
        ]
        when = self._random.uniform(*PAUSE_SECONDS)
        while when < self._seconds:
            faults.append((when, self._kill))
            when += self._random.uniform(*PAUSE_SECONDS)
        yield from sorted(faults, key=lambda each: each[0])

    def _kill(self) -> None:
        while not (serving := [name for name in WORKERS if self._serves(name)]):
            self._look_after()
            time.sleep(0.05)
        name = self._random.choice(serving)
        engine = self._service.engine_process(name)
        if engine is not None and self._random.random() < ENGINE_SHARE:
            os.kill(engine, signal.SIGKILL)  # then the worker ends by itself
            self._counts["of them of engine processes alone"] += 1
            self._without_engine.add(name)
        else:
            self._service.kill(name)
        self._log_begins[name] = self._log_of(name).stat().st_size
        self._killed[name] += 1
        self._look_after()

    def _serves(self, name: str) -> bool:
        with self._log_of(name).open("rb") as log:
            log.seek(self._log_begins[name])
            return b"worker ready" in log.read()

    def _log_of(self, name: str) -> Path:
        return self._service.settings.data_dir / "log" / f"{name}.log"

    def _empty_redis(self) -> None:
        client = redis.Redis.from_url(self._redis_url)
        client.flushall()
        client.close()
        self._counts["times Redis was emptied"] += 1

    def _restart_redis(self) -> None:
        self._redis.stop(signal.SIGKILL)
        self._look_after_until(time.monotonic() + DOWN_SECONDS)
        self._redis.start()
        self._counts["times Redis was killed"] += 1

    def _restart_postgres(self) -> None:
        self._postgres.stop(signal.SIGQUIT)
        self._look_after_until(time.monotonic() + DOWN_SECONDS)
        self._postgres.start()
        self._counts["times PostgreSQL was killed"] += 1

    def _look_after_until(self, moment: float) -> None:
        while time.monotonic() < moment:
            self._look_after()
            time.sleep(0.05)

    def _look_after(self) -> None:
        """Restart what ended; whoever was killed by us may be killed as often as we like."""
        for part in self._service.processes.parts:
            status = None if part.process is None else part.process.poll()
            lost = os.EX_SOFTWARE if part.name in self._without_engine else -signal.SIGKILL
            if status not in (None, -signal.SIGKILL, lost):
                self._counts[f"times that {part.name} ended by itself"] += 1
            if status is not None:
                self._without_engine.discard(part.name)
            part.deaths.clear()
        self._service.processes.look_after()

    def _submit(self, bulk: list[dict[str, Any]], singles: list[dict[str, Any]]) -> None:
        """Submit a bulk at once and the rest bit by bit, each again until it is accepted."""
        release = self._service.ready.release.name
        lines = [json.dumps({"custom_id": str(at), **line}) for at, line in enumerate(bulk)]
        body = "\n".join(lines).encode()
        pause = self._seconds / max(1, len(singles))
        with self._service.client() as client:
            if bulk:
                self._until_accepted(partial(client.submit_bulk, release, body))
            for line in singles:
                self._until_accepted(partial(client.submit, release, **line))
                time.sleep(pause * 0.9)

    def _until_accepted(self, submit: Callable[..., Any]) -> None:
        key = uuid4().hex
        while True:
            try:
                submit(idempotency_key=key)
            except (ApiProblem, ServerUnreachable):
                self._counts["submissions that were repeated"] += 1
                time.sleep(0.5)
            else:
                return

    def _finish(self) -> None:
        """Wait until every job has ended and every ledger entry has its place."""
        deadline = time.monotonic() + FINISH_SECONDS
        while not self._has_finished() and time.monotonic() < deadline:
            self._look_after_until(time.monotonic() + 0.5)

    def _has_finished(self) -> bool:
        try:
            with self._service.database.reading() as session:
                ended = select(func.count()).where(Job.finished_at.is_not(None))
                entries = session.scalar(select(func.count()).select_from(Entry))
                places = session.scalar(select(func.count()).select_from(Leaf))
                return session.scalar(ended) == self._jobs and entries == places
        except SQLAlchemyError:
            return False


@contextmanager
def _service(folder: Path) -> Iterator[dict[str, Any]]:
    """Run a service on servers of its own; yield what ``Soak`` needs of them."""
    with ExitStack() as exits:
        postgres, database_url = exits.enter_context(servers.postgres())
        broker = exits.enter_context(servers.redis_server(folder / "redis"))
        settings = stack.production(folder, database_url=database_url, broker_url=broker[1])
        settings = settings.model_copy(
            update={"job_attempts_limit": ATTEMPTS_LIMIT, "job_lease_seconds": 5}
        )
        service = exits.enter_context(stack.running(settings, parts=("schedule", "serve")))
        for name in WORKERS:
            stack.start(service, name)
        yield {"service": service, "postgres": postgres, "broker": broker}


def soak(folder: Path, *, seconds: float, jobs: int, seed: int) -> Outcome:
    """Run a soak in an empty folder.

    Raises:
        NotInstalled: There is no PostgreSQL or no Redis on this machine.
    """
    with _service(folder) as parts:
        return Soak(**parts, seconds=seconds, jobs=jobs, seed=seed).run()


def main() -> int:
    """Run a soak and print its counts; the exit status is 1 if a promise was not kept."""
    first, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        prog="python -m tests.fault.soak",
        description=first,
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=180, help="how long to kill (180)")
    parser.add_argument("--jobs", type=int, default=500, help="how many jobs to submit (500)")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is random (1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="corral-soak-") as folder:
        found = soak(Path(folder), seconds=given.seconds, jobs=given.jobs, seed=given.seed)
    if given.json:
        said = json.dumps({"seed": given.seed, "counts": found.counts, "wrong": found.wrong})
    else:
        table = [f"{number:>8}  {name}" for name, number in found.counts.items()]
        said = "\n".join([*table, *(found.wrong or ["every promise was kept"])])
    sys.stdout.write(f"{said}\n")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
