"""Bars for each group: what is missed of it, and what of it is flagged for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from filters.figures.drawing import FALSE_ALARM, FOUND, MISSED, PLAIN, picture
from filters.figures.groups import GroupFigures
from filters.figures.intervals import Estimate
from filters.figures.measured import Measured

_ROW, _MARGIN, _WIDTH = 0.17, 0.9, 9.0
_TITLES = ("missed (false-negative rate)", "flagged for nothing (false-positive rate)")

Bars = Sequence[tuple[str, Estimate | None]]


def draw_bars(measured: Measured, folder: Path, *, ending: str) -> None:
    """Write one picture for each way of grouping."""
    for name, groups in (
        ("hatecheck-functionality", measured.functionalities),
        ("hatecheck-target", measured.targets),
        ("identity-terms", _by_rate(measured.terms)),
    ):
        _draw_groups(folder / f"{name}.{ending}", groups)
    size = (_WIDTH, _MARGIN + 2 * _ROW * len(measured.kinds))
    titles = ("recall by the kind (grey: by misuse)", _TITLES[1])
    with picture(folder / f"misuse-kinds.{ending}", size=size, panels=titles) as (left, right):
        names = [each.kind.partition(".")[2] for each in measured.kinds]
        for place, each in enumerate(measured.kinds):
            whole = each.recall_by_misuse.value if each.recall_by_misuse else 0.0
            left.barh(place, whole, height=0.9, color=PLAIN)
        own = [each.recall for each in measured.kinds]
        _bars(left, list(zip(names, own, strict=True)), colour=FOUND, thickness=0.45)
        rates = [each.false_positive_rate for each in measured.kinds]
        _bars(right, list(zip(names, rates, strict=True)), colour=FALSE_ALARM)


def _draw_groups(path: Path, groups: Sequence[GroupFigures]) -> None:
    missed = [(each.group, each.missed) for each in groups if each.missed]
    alarms = [(each.group, each.false_positive_rate) for each in groups if each.false_positive_rate]
    height = _MARGIN + _ROW * max(len(missed), len(alarms))
    with picture(path, size=(_WIDTH, height), panels=_TITLES) as (left, right):
        _bars(left, missed, colour=MISSED)
        _bars(right, alarms, colour=FALSE_ALARM)


def _bars(axes: Axes, bars: Bars, *, colour: str, thickness: float = 0.75) -> None:
    """Draw one horizontal bar for each name, the first on top, with its interval."""
    for place, (_, estimate) in enumerate(bars):
        if estimate is None:
            continue
        axes.barh(place, estimate.value, height=thickness, color=colour)
        axes.plot([estimate.low, estimate.high], [place, place], color="black", linewidth=0.7)
    axes.set_yticks(range(len(bars)), [name for name, _ in bars], fontsize=7)
    axes.set(xlim=(0, 1), ylim=(len(bars) - 0.4, -0.6))
    axes.grid(visible=False, axis="y")


def _by_rate(groups: Sequence[GroupFigures]) -> list[GroupFigures]:
    """Return the groups with the highest false-positive rate first."""
    return sorted(
        groups,
        key=lambda each: (-(each.false_positive_rate or Estimate(0, 0, 0)).value, each.group),
    )
