"""What a second generating worker adds, each of them on a core of its own with one thread.

Bulks go through a service that only generates: nothing is scored meanwhile. Runs with one worker
and with two take turns; tokens a second from the bulk's acceptance to its last sealed job, medians.
The API, the database and the broker run on the same cores, so at two cores none is quite free.

Example: python benchmarks/second_worker.py --rounds 5 --json
"""

import json
import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import exists, func, select

from benchmarks.support import command, rivals, shipped
from benchmarks.support.wishes import wishes
from registry.jobs.model import Job, Output
from registry.jobs.states import JobState
from tests.support import stack
from tests.support.stack import Stack

WORKERS = 2
ROOM_JOBS = 1_000_000
"""Nothing is scored, and what waits to be scored takes up room; with the default all would stop."""


def start(service: Stack, core: int) -> None:
    """Start a generating worker and keep all its threads on one core."""
    name = f"generate-{core}"
    service.processes.start(name, "worker", "--queue", "generate")
    process = service.part(name).process
    assert process is not None
    os.sched_setaffinity(process.pid, {core})  # before it has other threads


def stop(service: Stack, core: int) -> None:
    """End a generating worker."""
    part = service.part(f"generate-{core}")
    assert part.process is not None
    part.process.terminate()
    part.process.wait()
    service.processes.parts.remove(part)


def generated(service: Stack, jobs: int, tokens: int) -> float:
    """Send a bulk through; return tokens a second."""
    lines = (
        json.dumps({"custom_id": str(number), **wish})
        for number, wish in enumerate(wishes(jobs, tokens))
    )
    before = _tokens(service)
    with service.client() as client:
        client.submit_bulk(service.ready.release.name, "\n".join(lines).encode())
    started = time.perf_counter()
    rivals.until(lambda: not _is_at_work(service), seconds=rivals.ROUND_SECONDS)
    seconds = time.perf_counter() - started
    return (_tokens(service) - before) / seconds


def _is_at_work(service: Stack) -> bool:
    """Return whether a job is not sealed yet; asked often, so it must cost nothing."""
    unsealed = exists().where(
        Job.release_id == service.ready.release.id,
        Job.state.in_((JobState.QUEUED, JobState.GENERATING)),
        Job.finished_at.is_(None),
    )
    with service.database.reading() as session:
        return bool(session.scalar(select(unsealed)))


def _tokens(service: Stack) -> int:
    """Return how many tokens all outputs have."""
    length = func.json_array_length(Output.token_ids)
    with service.database.reading() as session:
        return session.scalar(select(func.coalesce(func.sum(length), 0))) or 0


def measure(name: str, *, jobs: int, tokens: int, rounds: int) -> dict[str, float]:
    """Let one worker and two take turns on one stack."""
    cores = sorted(os.sched_getaffinity(0))[:WORKERS]
    if len(cores) < WORKERS:
        raise SystemExit("this machine has one core: nothing to measure")
    os.environ["OMP_NUM_THREADS"] = "1"
    rates: dict[int, list[float]] = {1: [], WORKERS: []}
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        settings = shipped.settings_for(name, folder, exits).model_copy(
            update={"room_jobs": ROOM_JOBS}
        )
        service = exits.enter_context(stack.running(settings, parts=("schedule", "serve")))
        start(service, cores[0])
        for _ in range(rounds):
            generated(service, jobs // 8, tokens)  # loads the release
            rates[1].append(generated(service, jobs, tokens))
            start(service, cores[1])
            generated(service, jobs // 2, tokens)
            rates[WORKERS].append(generated(service, jobs, tokens))
            stop(service, cores[1])
    one, two = (statistics.median(rates[count]) for count in rates)
    return {"one_worker": one, "two_workers": two, "second_adds": two / one - 1}


def main() -> None:
    """Measure and print the figures."""
    parser = command.parser(__doc__)
    parser.add_argument("--jobs", type=int, default=256)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stacks", nargs="+", choices=stack.available(), default=["embedded"])
    arguments = parser.parse_args()
    figures = {
        name: measure(name, jobs=arguments.jobs, tokens=arguments.tokens, rounds=arguments.rounds)
        for name in arguments.stacks
    }
    command.show(figures, command.rows(figures), as_json=arguments.json)


if __name__ == "__main__":
    main()
