"""Tables of figures, and how a figure is written in a cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from filters.figures.intervals import Estimate


@dataclass(frozen=True, slots=True)
class Table:
    """Cells under headings, and what they are.

    Attributes:
        title: What the table is about.
        note: One line under the title.
        pictures: Names of pictures that go with it, without their ending.
        columns: Headings.
        rows: As many cells as headings.
    """

    title: str
    note: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    pictures: tuple[str, ...] = ()


def interval(found: Estimate | None) -> str:
    """Return an estimate with its interval; nothing where there is none."""
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})" if found else ""


def number(found: float | None) -> str:
    """Return a number; nothing where there is none."""
    return "" if found is None else f"{found:.3f}"


def only_value(found: Estimate | None) -> str:
    """Return an estimate without its interval, where a cell has room for little."""
    return f"{found.value:.3f}" if found else "-"
