"""The process tree of ``corral up``: start the parts, restart what dies, end them together."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

COMPUTING_PARTS = 2
LEAVE_SECONDS = 5
"""How much longer than its workers take to end a process may take."""
DEATHS_LIMIT = 5
DEATHS_SECONDS = 60


class PartDied(RuntimeError):
    """A part of the service keeps dying; its log says why."""


@dataclass
class Part:
    """One child process.

    Attributes:
        name: What it is, also the name of its log.
        arguments: Of the ``corral`` command.
        deaths: When it died, in seconds of the monotonic clock.
    """

    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    log: IO[bytes] | None = None
    deaths: list[float] = field(default_factory=list)


class Processes:
    """The parts of one service on one machine.

    Attributes:
        parts: Those that were started, in order.
    """

    def __init__(
        self, log_dir: Path, environment: Mapping[str, str], *, stop_seconds: float
    ) -> None:
        self._log_dir = log_dir
        self._stop_seconds = stop_seconds
        # Two workers share the machine, and two that compute on every core wait for each other.
        threads = str(max(1, (os.cpu_count() or 1) // COMPUTING_PARTS))
        self._environment = {"OMP_NUM_THREADS": threads, **os.environ, **environment}
        self.parts: list[Part] = []
        log_dir.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, *arguments: str) -> None:
        """Start a part; its output goes to a log of its name."""
        part = Part(name, arguments)
        self.parts.append(part)
        self._launch(part)

    def look_after(self) -> None:
        """Restart parts that died.

        Raises:
            PartDied: One died too often in a minute.
        """
        for part in self.parts:
            if part.process is None or part.process.poll() is None:
                continue
            part.deaths = [each for each in part.deaths if time.monotonic() - each < DEATHS_SECONDS]
            part.deaths.append(time.monotonic())
            if len(part.deaths) >= DEATHS_LIMIT:
                raise PartDied(
                    f"{part.name} died {len(part.deaths)} times within {DEATHS_SECONDS} seconds: "
                    f"see {self._log_path(part)}"
                )
            self._launch(part)

    def end(self) -> None:
        """End every part: ask, wait, then kill. Ctrl-C meanwhile asks them not to wait."""
        self._ask()
        try:
            self._wait(self._stop_seconds + LEAVE_SECONDS)
        except KeyboardInterrupt:
            self._ask()
            self._wait(LEAVE_SECONDS)
        for process in self._alive():
            process.kill()
            process.wait()
        for part in self.parts:
            _close(part)

    def _alive(self) -> list[subprocess.Popen[bytes]]:
        started = [part.process for part in self.parts if part.process is not None]
        return [process for process in started if process.poll() is None]

    def _ask(self) -> None:
        for process in self._alive():
            process.terminate()

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for process in self._alive():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))

    def _launch(self, part: Part) -> None:
        _close(part)
        part.log = self._log_path(part).open("ab")
        part.process = subprocess.Popen(  # noqa: S603 (our own command, no shell)
            [sys.executable, "-m", "api.cli.main", *part.arguments, "--with-parent"],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=part.log,
            stderr=part.log,
            process_group=0,  # Ctrl-C is for us; the parts are told once, by ``end``
        )

    def _log_path(self, part: Part) -> Path:
        return self._log_dir / f"{part.name}.log"


def _close(part: Part) -> None:
    if part.process is not None and part.process.stdin is not None:
        part.process.stdin.close()
    if part.log is not None:
        part.log.close()
