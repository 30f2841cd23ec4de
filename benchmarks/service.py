"""Jobs through the whole service, beside the engine alone and beside naive workers.

They take turns in one run, with the same prompts, parameters and seeds, and other seeds in every
round so that no filter knows a text already: the service, from submission over HTTP to the
verdict, with jobs that are submitted one by one, then with others in a bulk; the engine alone,
with the threads of the generating worker and with all cores; and naive workers
(``support/naive.py``), as many processes with as many threads as the service computes in.
Counted are new tokens a second; medians of the rounds.

Example: python benchmarks/service.py --stacks embedded production --json
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from api.cli.processes import COMPUTING_PARTS
from benchmarks.support import command, rivals, shipped
from benchmarks.support.wishes import wishes
from registry.jobs import queries
from registry.jobs.model import Output
from tests.support import stack
from tests.support.stack import Stack

CALLERS = 2
BULK_SEEDS = 1_000_000
"""Where the seeds of bulks begin, apart from those of all rounds."""
Wishes = Sequence[dict[str, Any]]


def through(
    service: Stack, jobs: int, tokens: int, first: int, *, submit: Callable[[Stack, Wishes], None]
) -> float:
    """Send jobs through the service; return tokens a second from submission to verdict."""
    wanted = list(wishes(jobs, tokens, first=first))
    before = _tokens(service)
    started = time.perf_counter()
    submit(service, wanted)
    rivals.until(lambda: not _unfinished(service), seconds=rivals.ROUND_SECONDS)
    return (_tokens(service) - before) / (time.perf_counter() - started)


def one_by_one(service: Stack, wanted: Wishes) -> None:
    """Submit every job by itself, from several callers at a time."""

    def call(some: Wishes) -> None:
        with service.client() as client:
            for wish in some:
                client.submit(service.ready.release.name, **wish)

    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(call, [wanted[each::CALLERS] for each in range(CALLERS)]))


def in_bulk(service: Stack, wanted: Wishes) -> None:
    """Submit all jobs at once."""
    lines = [json.dumps({"custom_id": str(at), **wish}) for at, wish in enumerate(wanted)]
    with service.client() as client:
        client.submit_bulk(service.ready.release.name, "\n".join(lines).encode())


def _unfinished(service: Stack) -> int:
    with service.database.reading() as session:
        return sum(queries.count_by_state(session).values())


def _tokens(service: Stack) -> int:
    """Return how many tokens all outputs have that got a verdict."""
    with service.database.reading() as session:
        length = func.json_array_length(Output.token_ids)
        counted = select(func.sum(length)).where(Output.verdict_id.is_not(None))
        return session.scalar(counted) or 0


def measure(name: str, *, jobs: int, naive_jobs: int, tokens: int, rounds: int) -> dict[str, float]:
    """Let all four take turns on one stack; return medians and ratios, without the first round."""
    cores = os.cpu_count() or 1
    threads = max(1, cores // COMPUTING_PARTS)
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        settings = shipped.settings_for(name, folder, exits)
        service = exits.enter_context(stack.running(settings))
        alone = exits.enter_context(rivals.raw(settings, threads=threads))
        everywhere = exits.enter_context(rivals.raw(settings, threads=cores))
        naive = exits.enter_context(
            rivals.naive_workers(settings, processes=COMPUTING_PARTS, threads=threads)
        )
        turns: dict[str, Callable[[int], float]] = {
            "service": partial(through, service, jobs, tokens, submit=one_by_one),
            "service_in_bulk": partial(through, service, jobs, tokens, submit=in_bulk),
            "engine_alone": partial(alone.rate, jobs, tokens),
            "engine_on_all_cores": partial(everywhere.rate, jobs, tokens),
            "naive": partial(naive.rate, naive_jobs, tokens),
        }
        rates: dict[str, list[float]] = {turn: [] for turn in turns}
        for number in range(rounds + 1):
            for turn, take in turns.items():
                first = number * jobs + BULK_SEEDS * (turn == "service_in_bulk")
                rates[turn].append(take(first))
    found = {turn: statistics.median(each[1:]) for turn, each in rates.items()}
    return {
        **found,
        "of_engine": found["service"] / found["engine_alone"],
        "of_engine_on_all_cores": found["service"] / found["engine_on_all_cores"],
        "times_naive": found["service"] / found["naive"],
        "bulk_of_engine": found["service_in_bulk"] / found["engine_alone"],
        "bulk_times_naive": found["service_in_bulk"] / found["naive"],
    }


def main() -> None:
    """Measure and print the figures."""
    parser = command.parser(__doc__)
    parser.add_argument("--jobs", type=int, default=512)
    parser.add_argument("--naive-jobs", type=int, default=24)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stacks", nargs="+", choices=stack.available(), default=["embedded"])
    arguments = parser.parse_args()
    figures = {
        name: measure(
            name,
            jobs=arguments.jobs,
            naive_jobs=arguments.naive_jobs,
            tokens=arguments.tokens,
            rounds=arguments.rounds,
        )
        for name in arguments.stacks
    }
    lines = [
        f"{name}, {key:<24}{value:10.3g}"
        for name, each in figures.items()
        for key, value in each.items()
    ]
    command.show(figures, lines, as_json=arguments.json)


if __name__ == "__main__":
    main()
