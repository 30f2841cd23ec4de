"""The style of all pictures, and writing them so that the same figures give the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

MISSED, FALSE_ALARM, FOUND, PLAIN = "#D55E00", "#0072B2", "#009E73", "#B0B0B0"
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Told apart by people who see fewer colours. Source: M. Okabe and K. Ito, "Color Universal
Design", 2008. Line styles differ too, so that colour never speaks alone."""
_DASHES = ("-", "--", "-.", ":")
_STYLE: Any = {
    "font.family": "DejaVu Sans",  # It comes with matplotlib, so every machine has it.
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.fonttype": "path",
    "svg.hashsalt": "corral",  # Else the names inside the file are random.
    "path.simplify": True,
}


@contextmanager
def picture(
    path: Path, *, size: tuple[float, float], panels: Sequence[str]
) -> Iterator[list[Axes]]:
    """Yield one set of axes for each title, and write the picture when they are drawn.

    Args:
        path: The file; its ending says which format.
        size: Width and height in inches.
        panels: Titles, from left to right.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        axes = [figure.add_subplot(1, len(panels), place + 1) for place in range(len(panels))]
        for each, title in zip(axes, panels, strict=True):
            each.set_title(title, fontsize=10)
        yield axes
        path.parent.mkdir(parents=True, exist_ok=True)
        stamp = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(path, metadata=stamp, dpi=100)


def lines() -> Iterator[tuple[str, str]]:
    """Yield colours with line styles, as many as are asked for."""
    yield from zip(cycle(_COLOURS), cycle(_DASHES), strict=False)
