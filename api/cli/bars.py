"""Progress on a terminal: on standard error, and nowhere when that is no terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

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

Advance = Callable[[int], None]


@contextmanager
def byte_bar(what: str, total_bytes: int) -> Iterator[Advance]:
    """Show a bar of bytes; yield the function that is told how many more are done."""
    with _bar(what, total_bytes, DownloadColumn(), TransferSpeedColumn()) as advance:
        yield advance


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
        yield lambda more: progress.update(task, advance=more)
