"""What the service is measured beside: the engine alone, and naive workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from benchmarks.support import naive
from benchmarks.support.wishes import wishes
from registry.settings import Settings
from tests.support import neighbours
from tests.support.stack import environment_of
from workers.broker import make_app, queue

START_SECONDS = 120
ROUND_SECONDS = 600
POLL_SECONDS = 0.05


class Raw:
    """The engine alone, with so many threads."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def rate(self, jobs: int, tokens: int, first: int) -> float:
        """Return how many tokens a second it made."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([jobs, tokens, first]) + "\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


@contextmanager
def raw(settings: Settings, *, threads: int) -> Iterator[Raw]:
    """Run the engine alone on the store and the records of a service."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.support.raw"],
        env={**os.environ, **environment_of(settings), "OMP_NUM_THREADS": str(threads)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:  # the log comes first
            if line == "ready\n":
                break
        else:
            raise RuntimeError("the engine alone did not start")
        yield Raw(process)
    finally:
        process.terminate()
        process.wait()


class Naive:
    """Naive workers on the broker of a service."""

    def __init__(self, settings: Settings, results: Path) -> None:
        self._app = make_app(settings)
        self._results = results

    def rate(self, jobs: int, tokens: int, first: int) -> float:
        """Return how many tokens a second came through."""
        before = self.lines()
        started = time.perf_counter()
        for wish in wishes(jobs, tokens, first=first):
            self._app.send_task(naive.TASK, args=[wish], queue=queue(naive.QUEUE))
        until(lambda: len(self.lines()) >= len(before) + jobs, seconds=ROUND_SECONDS)
        elapsed = time.perf_counter() - started
        return (_tokens(self.lines()) - _tokens(before)) / elapsed

    def lines(self) -> list[str]:
        """Return what came through so far."""
        files = self._results.glob("*.jsonl")
        return [line for each in files for line in each.read_text(encoding="utf-8").splitlines()]

    def workers(self) -> int:
        """Return how many workers have started."""
        return len(list(self._results.glob("*.jsonl")))

    def close(self) -> None:
        """Close the connections to the broker."""
        self._app.close()


@contextmanager
def naive_workers(settings: Settings, *, processes: int, threads: int) -> Iterator[Naive]:
    """Run naive workers on the same kind of broker, in queues of their own."""
    folder = settings.data_dir / "naive"
    results = folder / "results"
    results.mkdir(parents=True)
    prefix = f"{settings.queue_prefix}naive:" if settings.queue_prefix else ""
    own = settings.model_copy(
        update={"data_dir": folder, "queue_prefix": prefix, "database_url": SecretStr("")}
    )
    environment = {**os.environ, **environment_of(own), "OMP_NUM_THREADS": str(threads)}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.support.naive", str(results)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(processes)
    ]
    rival = Naive(own, results)
    try:
        until(lambda: rival.workers() == processes, seconds=START_SECONDS)
        yield rival
    finally:
        for each in started:
            each.kill()
            each.wait()
        rival.close()
        neighbours.forget_keys(own.queue_url, own.queue_prefix)


def _tokens(lines: Iterable[str]) -> int:
    return sum(json.loads(line)["tokens"] for line in lines)


def until(condition: Callable[[], bool], *, seconds: float) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: It did not come true in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} seconds")
        time.sleep(POLL_SECONDS)
