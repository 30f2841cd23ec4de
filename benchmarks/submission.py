"""How many jobs a second the API accepts, on both stacks, in one run.

Each submission is a real one: token, gate, token count, one transaction with the job, its
output and the ledger's entry, and a message to the broker. Nothing consumes the queue.

Example: python benchmarks/submission.py --jobs 400 --json
"""

import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from benchmarks.support import command
from tests.support import stack
from tests.support.stack import Stack


def measure(service: Stack, *, jobs: int, threads: int) -> dict[str, float]:
    """Submit ``jobs`` jobs from ``threads`` threads; return the rate and the latencies."""

    def submit_some(count: int) -> list[float]:
        seconds = []
        with service.client() as client:
            for _ in range(count):
                started = time.perf_counter()
                client.submit(service.ready.release.name, "Once upon a time", max_new_tokens=16)
                seconds.append(time.perf_counter() - started)
        return seconds

    submit_some(5)
    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(submit_some, [jobs // threads] * threads))
    elapsed = time.perf_counter() - started
    latencies = sorted(each for part in parts for each in part)
    return {
        "jobs_per_second": len(latencies) / elapsed,
        "median_ms": 1000 * statistics.median(latencies),
        "p95_ms": 1000 * latencies[int(0.95 * len(latencies))],
    }


def main() -> None:
    """Measure both stacks and print the figures."""
    parser = command.parser(__doc__)
    parser.add_argument("--jobs", type=int, default=400)
    parser.add_argument("--threads", type=int, default=4)
    arguments = parser.parse_args()
    figures = {}
    for name in stack.available():
        with ExitStack() as exits:
            folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
            settings = stack.settings_for(name, folder, exits)
            service = exits.enter_context(stack.running(settings, parts=("serve",)))
            figures[name] = measure(service, jobs=arguments.jobs, threads=arguments.threads)
    command.show(figures, command.rows(figures), as_json=arguments.json)


if __name__ == "__main__":
    main()
