"""Run ``corral release register`` over and over in children that SIGKILL ends.

``python -m tests.support.killed_registration steps|times FOLDER TEMPLATE PLACE`` makes a data
directory for each child in PLACE, with a copy of the database TEMPLATE. ``steps`` kills the
first child at its first step that leaves a trace (a file that is opened, made, synced, renamed or
removed; a statement), the second at its second, until one ends by itself. ``times`` kills each
child after a random time. Everything is imported once, so that each child is its registration
and nothing else. Prints a line for each child: its folder, and how it ended.
"""

import os
import random
import shutil
import signal
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from api.cli.main import cli

NAME = "owner/killed"
KILLS = 24
STEPS_LIMIT = 1000
_TRACES = ("open", "os.", "shutil.", "sqlite3.")


def register(folder: Path, data_dir: Path) -> None:
    """Run the command as its user does."""
    words = ["--data-dir", str(data_dir), "release", "register", str(folder), "--name", NAME]
    cli(words, prog_name="corral")


def die_at(step: int, data_dir: Path) -> None:
    """Have this process killed at its given step in a data directory."""
    lock, steps = threading.Lock(), [0]

    def count() -> None:
        with lock:
            steps[0] += 1
            if steps[0] == step:
                os.kill(os.getpid(), signal.SIGKILL)

    def hook(name: str, arguments: tuple[Any, ...]) -> None:
        if name.startswith(_TRACES) and any(
            isinstance(each, str | os.PathLike) and str(data_dir) in str(each) for each in arguments
        ):
            count()

    def synced(fd: Any) -> None:
        count()
        fsync(fd)

    fsync = os.fsync
    os.fsync = synced
    event.listen(Engine, "before_cursor_execute", lambda *_: count())
    event.listen(Engine, "commit", lambda *_: count())
    sys.addaudithook(hook)


def run(folder: Path, data_dir: Path, *, step: int = 0, seconds: float | None = None) -> bool:
    """Register in a child; return whether it ended by itself, which must be well."""
    child = os.fork()
    if child == 0:
        if step:
            die_at(step, data_dir)
        register(folder, data_dir)
        os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"the command failed in {data_dir}")
    return True


def main(how: str, folder: Path, template: Path, place: Path) -> None:
    """Kill children one after another."""
    import_module("api.cli.release")  # what the command imports, before there are children

    def fresh(number: int) -> Path:
        data_dir = place / f"{number:04}"
        data_dir.mkdir()
        shutil.copy(template, data_dir / "corral.db")
        return data_dir

    if how == "steps":
        for step in range(1, STEPS_LIMIT):
            data_dir = fresh(step)
            whole = run(folder, data_dir, step=step)
            sys.stdout.write(f"{data_dir} {'whole' if whole else 'killed'}\n")
            if whole:
                return
    began = time.monotonic()
    run(folder, fresh(0))
    longest, chance = time.monotonic() - began, random.Random(4)  # noqa: S311 (no secret)
    for number in range(1, KILLS + 1):
        data_dir = fresh(number)
        whole = run(folder, data_dir, seconds=chance.uniform(0, longest))
        sys.stdout.write(f"{data_dir} {'whole' if whole else 'killed'}\n")


if __name__ == "__main__":
    main(sys.argv[1], *(Path(each).resolve() for each in sys.argv[2:]))
