"""A child of ``corral up`` ends when its parent does, even if the parent was killed."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import click

STDIN = 0


def with_parent(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the hidden option that ties a command's life to its standard input."""
    return click.option(
        "--with-parent",
        is_flag=True,
        hidden=True,
        expose_value=False,
        callback=_watch,
        help="End when standard input closes.",
    )(command)


def _watch(_context: click.Context, _option: click.Parameter, value: bool) -> None:
    if value:
        threading.Thread(target=_end_with_stdin, name="parent", daemon=True).start()


def _end_with_stdin() -> None:
    # Not sys.stdin: its lock would still be held when the interpreter ends.
    while os.read(STDIN, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
