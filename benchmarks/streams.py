"""What open event streams cost everybody else.

A real API process on PostgreSQL and Redis (or the embedded stack); its answers are timed with
no stream open and with many, in turns. The streams follow many jobs, whose numbers of tokens
change twice a second, so that every look has news for all.

Example: python benchmarks/streams.py --streams 300 --json
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID

import httpx

from api.cli import demo
from benchmarks.support import command
from registry.jobs import leases, progress, queries
from registry.jobs.model import Job
from tests.support import stack
from tests.support.stack import Stack

FOLLOWED_JOBS = 50
NEWS_SECONDS = 0.5


def main() -> None:
    """Run the comparison and print it."""
    parser = command.parser(__doc__)
    parser.add_argument("--streams", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=100, help="of each kind in a round")
    options = parser.parse_args()
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        settings = stack.settings_for(stack.available()[-1], folder, exits)
        service = exits.enter_context(stack.running(settings, parts=("serve",)))
        jobs = _working(service)
        exits.enter_context(_news(service, jobs))
        taken: dict[str, list[float]] = {"alone": [], "beside": []}
        events = 0
        for _ in range(options.rounds):
            taken["alone"] += _answers(service, options.requests)
            with _open(service, jobs, options.streams) as told:
                taken["beside"] += _answers(service, options.requests)
            events += sum(told)
    figures = {name: _figures(each) for name, each in taken.items()}
    ratio = figures["beside"]["median_ms"] / figures["alone"]["median_ms"]
    result = {**figures, "streams": {"open": options.streams, "events": events, "ratio": ratio}}
    command.show(result, command.rows(result), as_json=options.json)


def _working(service: Stack) -> list[Job]:
    """Submit jobs and claim them, as a worker does."""
    with service.client() as client:
        name = service.ready.release.name
        submitted = [client.submit(name, "Once upon a time") for _ in range(FOLLOWED_JOBS)]
    claimed = []
    for each in submitted:
        with service.database.transaction() as session:
            job_id = queries.get(session, UUID(each["id"])).id
            claimed += leases.claim_generating(session, [job_id], owner="benchmark", seconds=3600)
    return claimed


@contextmanager
def _news(service: Stack, jobs: list[Job]) -> Iterator[None]:
    """Count tokens for all jobs until the block ends."""
    ended = threading.Event()

    def count() -> None:
        tokens = 0
        while not ended.wait(NEWS_SECONDS):
            tokens += 1
            with service.database.transaction() as session:
                progress.note(session, {job.id: (job, [tokens] * job.n) for job in jobs})

    thread = threading.Thread(target=count)
    thread.start()
    yield
    ended.set()
    thread.join()


@contextmanager
def _open(service: Stack, jobs: list[Job], streams: int) -> Iterator[list[int]]:
    """Hold streams open in the block, each read by a thread; counts the events of each."""
    told = [0] * streams
    headers = {"Authorization": f"Bearer {service.tokens[demo.RESEARCHER]}"}
    first = threading.Semaphore(0)

    def read(place: int, http: httpx.Client) -> None:
        address = f"{service.url}/v1/jobs/{jobs[place % len(jobs)].id}/events"
        try:
            with http.stream("GET", address, headers=headers) as answer:
                for line in answer.iter_lines():
                    if line.startswith("data: "):
                        told[place] += 1
                        first.release()
        except httpx.HTTPError:
            return  # the client was closed

    http = httpx.Client(limits=httpx.Limits(max_connections=None), timeout=30)
    threads = [
        threading.Thread(target=read, args=(place, http), daemon=True) for place in range(streams)
    ]
    for thread in threads:
        thread.start()
    for _ in threads:
        first.acquire()
    yield told
    http.close()


def _answers(service: Stack, requests: int) -> list[float]:
    """Time requests that read and requests that write, in seconds."""
    seconds = []
    with service.client() as client:
        for _ in range(requests):
            for ask in (
                client.me,
                lambda: client.submit(service.ready.release.name, "Once upon a time"),
            ):
                began = time.perf_counter()
                ask()
                seconds.append(time.perf_counter() - began)
    return seconds


def _figures(seconds: list[float]) -> dict[str, float]:
    return {
        "median_ms": 1000 * statistics.median(seconds),
        "p95_ms": 1000 * statistics.quantiles(seconds, n=20)[-1],
        "worst_ms": 1000 * max(seconds),
    }


if __name__ == "__main__":
    main()
