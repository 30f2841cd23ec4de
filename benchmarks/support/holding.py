"""A worker's two processes with releases that take turns: residency here, the engine apart.

Reads what to hold from its input as JSON, fills the cache of each release in turn, and answers
with the peaks of both resident sets in bytes: of this process when all of a worker's modules are
in it and both have started, and at the end.
"""

from __future__ import annotations

import json
import os
import queue
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from registry.checkpoints.manifest import FileEntry, Manifest
from registry.telemetry import configure_logs
from workers import app  # noqa: F401  a worker has all of its modules in memory
from workers.generation.apart import EngineProcess
from workers.generation.engine import Engine, GenerationRequest
from workers.generation.residency import NotInMemory, Residency
from workers.generation.weighing import Weight

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def main() -> None:
    """Hold one release after the other, each with a full cache."""
    configure_logs("WARNING")
    asked = json.load(sys.stdin)
    request = GenerationRequest(**asked["request"])
    process = EngineProcess(
        Path(asked["store"]),
        cache_bytes=asked["cache_bytes"],
        log_level="WARNING",
        when_lost=lambda: None,  # whoever waits for it is told
    )
    shelf = _Shelf(process, asked)
    engines, ended = Residency(shelf, budget_bytes=shelf.weight.size_bytes), _Ended()
    engines.start(ended)
    assert process.device.item_bytes
    begun_bytes = _peak_bytes(process)
    for digest in shelf.manifests:
        try:
            with engines.using(digest, job_id=uuid4()):
                raise ValueError("two releases are the same")
        except NotInMemory:
            ended.wait()
        with engines.using(digest, job_id=uuid4()) as engine:
            futures = [
                engine.submit(request, cancelled=lambda: False) for _ in range(asked["rows"])
            ]
            for future in futures:
                future.result()
    print(json.dumps([begun_bytes, _peak_bytes(process)]))
    engines.close()
    process.close()


def _peak_bytes(process: EngineProcess) -> int:
    # Not getrusage, which counts what this process was before it ran this program.
    return sum(map(_peak_of, (os.getpid(), process.pid)))


def _peak_of(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    [kilobytes] = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return kilobytes * 1024


class _Shelf:
    """Weighs every release the same, and loads it from the store."""

    def __init__(self, process: EngineProcess, asked: dict[str, Any]) -> None:
        self._process = process
        self.weight = Weight(**asked["weight"])
        manifests = [
            Manifest(tuple(FileEntry(**each) for each in files)) for files in asked["releases"]
        ]
        self.manifests = {each.digest: each for each in manifests}

    def weigh(self, _digest: str) -> Weight:
        return self.weight

    def load(self, digest: str, told: Callable[[int], None]) -> Engine:
        return self._process.load(digest, self.manifests[digest], told)


class _Ended:
    """Hears that a load has ended."""

    def __init__(self) -> None:
        self._ends: queue.Queue[Exception | None] = queue.Queue()

    def wanted(self, digest: str) -> None:
        """Nobody else has it."""

    def ended(self, _digest: str, _jobs: Sequence[UUID], error: Exception | None) -> None:
        """Let who waits go on."""
        self._ends.put(error)

    def wait(self) -> None:
        """Wait for the end of a load, and raise what it failed with."""
        error = self._ends.get()
        if error is not None:
            raise error


if __name__ == "__main__":
    main()
