"""Progress on a terminal: on standard error, and nowhere when that is no terminal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

TOLD_SECONDS = 0.05

Advance = Callable[[int], None]


@contextmanager
def byte_bar(what: str, total_bytes: int, *, is_resumable: bool = False) -> Iterator[Advance]:
    """Show a bar of bytes; yield the function that is told how many more are done.

    Args:
        what: Stands before the bar.
        total_bytes: How many there are.
        is_resumable: Whether to say, to who interrupts, that nothing whole is done twice.
    """
    try:
        with _bar(what, total_bytes, DownloadColumn(), TransferSpeedColumn()) as advance:
            yield advance
    except KeyboardInterrupt:
        if is_resumable:
            click.echo(
                "nothing was registered; files that were copied whole are kept for a day, and "
                "the same command goes on from there",
                err=True,
            )
        raise


@contextmanager
def count_bar(what: str, total: int) -> Iterator[Advance]:
    """Show a bar of things; yield the function that is told how many more are done."""
    with _bar(what, total, MofNCompleteColumn()) as advance:
        yield advance


@contextmanager
def download_bar(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar once something comes; yield what is told the bytes there and the bytes in all."""
    console = Console(stderr=True)
    shown = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*shown, console=console, disable=not console.is_terminal, transient=True) as bar:
        tasks: list[TaskID] = []

        def tell(there: int, whole: int | None) -> None:
            if not tasks:
                tasks.append(bar.add_task(what, total=whole))
            bar.update(tasks[0], completed=there, total=whole)

        yield tell


@contextmanager
def _bar(what: str, total: int, *columns: ProgressColumn) -> Iterator[Advance]:
    console = Console(stderr=True)
    shown = (TextColumn("{task.description}"), BarColumn(), *columns, TimeRemainingColumn())
    with Progress(
        *shown, console=console, disable=not console.is_terminal, transient=True
    ) as progress:
        task = progress.add_task(what, total=total)
        waiting, told_at = 0, 0.0

        def advance(more: int) -> None:
            # Hashing tells of thousands of blocks a second; nobody can see so many.
            nonlocal waiting, told_at
            waiting += more
            if time.monotonic() - told_at >= TOLD_SECONDS:
                progress.update(task, advance=waiting)
                waiting, told_at = 0, time.monotonic()

        yield advance
        progress.update(task, advance=waiting)
