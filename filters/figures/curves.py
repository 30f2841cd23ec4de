"""ROC curves, precision-recall curves and reliability diagrams, each set a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from filters.figures.calibration import reliability
from filters.figures.drawing import PLAIN, lines, picture
from filters.figures.labels import LabelFigures
from filters.figures.measured import Measured

_PANELS = {"toxicity": "Toxicity", "misuse": "Misuse"}
_SIZE = (9.0, 4.6)
_MOST_POINTS = 400
_FEWEST_TEXTS = 10

Line = tuple[NDArray[np.float64], NDArray[np.float64]]
Truth = NDArray[np.bool_]
Score = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """One kind of curve.

    Attributes:
        name: File name without its ending.
        x: What runs to the right.
        y: What runs up.
        line: From truth and scores to the points of the line.
        figure: What the legend says beside the data set.
        marker: Sign at each point.
        diagonal: Whether the diagonal means something.
    """

    name: str
    x: str
    y: str
    line: Callable[[Truth, Score], Line]
    figure: Callable[[LabelFigures], float | None]
    marker: str = ""
    diagonal: bool = True


def roc(truth: Truth, score: Score) -> Line:
    """Return false-positive rate and recall at every threshold."""
    right, wrong = _counts(truth, score)
    return (
        np.concatenate([[0.0], wrong / max(1, (~truth).sum())]),
        np.concatenate([[0.0], right / max(1, truth.sum())]),
    )


def precision_recall(truth: Truth, score: Score) -> Line:
    """Return recall and precision at every threshold."""
    right, wrong = _counts(truth, score)
    return right / max(1, truth.sum()), right / (right + wrong)


def calibration(truth: Truth, score: Score) -> Line:
    """Return mean score and share of positives of each tenth with enough texts to say."""
    bins = [each for each in reliability(truth, score) if each.texts >= _FEWEST_TEXTS]
    return np.array([each.score for each in bins]), np.array([each.positives for each in bins])


CURVES = (
    Curve(
        "roc",
        "false-positive rate",
        "recall",
        roc,
        lambda figures: figures.auc.value if figures.auc else None,
    ),
    Curve(
        "precision-recall",
        "recall",
        "precision",
        precision_recall,
        lambda figures: figures.average_precision,
        diagonal=False,
    ),
    Curve(
        "calibration",
        "mean score",
        "share that is positive",
        calibration,
        lambda figures: figures.calibration_error,
        marker="o",
    ),
)


def draw_curves(measured: Measured, folder: Path, *, ending: str) -> None:
    """Write one picture for each kind of curve."""
    for curve in CURVES:
        path = folder / f"{curve.name}.{ending}"
        with picture(path, size=_SIZE, panels=tuple(_PANELS.values())) as panels:
            for axes, name in zip(panels, _PANELS, strict=True):
                _draw(axes, curve, _with_both_kinds(measured, name))


def _draw(axes: Axes, curve: Curve, sets: Iterator[tuple[LabelFigures, Truth, Score]]) -> None:
    if curve.diagonal:
        axes.plot([0, 1], [0, 1], color=PLAIN, linewidth=0.8)
    for (figures, truth, score), (colour, dashes) in zip(sets, lines(), strict=False):
        x, y = _thinned(curve.line(truth, score))
        name = f"{figures.dataset.partition('/')[2]}, {figures.label.partition('.')[2]}"
        axes.plot(
            x,
            y,
            color=colour,
            linestyle=dashes,
            marker=curve.marker,
            markersize=3,
            linewidth=1.3,
            label=f"{name}: {curve.figure(figures):.3f}",
        )
    axes.set(xlabel=curve.x, ylabel=curve.y, xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=1)


def _with_both_kinds(
    measured: Measured, filter_name: str
) -> Iterator[tuple[LabelFigures, Truth, Score]]:
    """Yield the sets on which a label's positives and negatives are both known."""
    for figures in measured.labels:
        if figures.label.startswith(f"{filter_name}.") and figures.auc is not None:
            scored = measured.scored[figures.dataset]
            places, truth = scored.known(figures.label)
            yield figures, truth, scored.scores[figures.label][places]


def _counts(truth: Truth, score: Score) -> Line:
    """Return how many positives and negatives reach each score that occurs, highest first."""
    thresholds, place = np.unique(-score, return_inverse=True)
    right = np.cumsum(np.bincount(place[truth], minlength=len(thresholds)))
    wrong = np.cumsum(np.bincount(place[~truth], minlength=len(thresholds)))
    return right.astype(np.float64), wrong.astype(np.float64)


def _thinned(line: Line) -> Line:
    """Return at most so many points that a picture stays small; the ends are kept."""
    count = len(line[0])
    kept = np.unique(np.linspace(0, count - 1, min(count, _MOST_POINTS)).astype(int))
    return line[0][kept], line[1][kept]
