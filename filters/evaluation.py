"""How well a filter tells texts apart, measured on labelled texts.

Source of the measures: T. Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters
2006, section 7 (area under the curve as a rank statistic); M. Zhu, "Recall, Precision and Average
Precision", University of Waterloo 2004.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filters.contract import Filter, Sample
from filters.jsonl import read_json_lines

_BATCH = 256
_Scores = Callable[[Sequence[str]], Sequence[float]]


class BadRows(ValueError):
    """The rows cannot be evaluated; the message says why."""


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text with what is known about it; a label that is missing is unknown.

    Attributes:
        text: The text.
        labels: Label to 1.0 or 0.0.
        facts: Whatever else its line says, such as the group that it is about.
    """

    text: str
    labels: dict[str, float]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one label's scores are worth on labelled texts.

    Attributes:
        rows: Texts that have the label.
        auc: Chance that a positive text scores higher than a negative one; unset without both.
        average_precision: Area under the precision-recall curve; unset without positives.
        threshold: The threshold that the next three are for.
        recall: Share of the positive texts that are flagged; unset without positives.
        false_positive_rate: Share of the negative texts that are flagged; unset without negatives.
        accuracy: Share of the texts that are judged right.
        texts_per_second: Speed of scoring.
    """

    rows: int
    auc: float | None
    average_precision: float | None
    threshold: float
    recall: float | None
    false_positive_rate: float | None
    accuracy: float
    texts_per_second: float


def read_rows(path: Path, *, needs_labels: bool = True) -> list[LabelledText]:
    """Read JSON Lines, compressed or not, with ``text`` and ``labels``.

    Args:
        path: The file.
        needs_labels: Whether a line without labels is a mistake, or is told by its other fields.

    Raises:
        BadRows: A line is not such an object; the message has its number and nothing of its text.
    """
    rows: list[LabelledText] = []
    try:
        for row in read_json_lines(path):
            given = row["labels"] if needs_labels else row.get("labels", {})
            labels = {str(label): float(value) for label, value in given.items()}
            facts = {key: row[key] for key in row if key not in {"text", "labels"}}
            rows.append(LabelledText(str(row["text"]), labels, facts))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadRows(f"{path.name}, line {len(rows) + 1}: no text and labels") from None
    return rows


def label_scores(filters: Iterable[Filter], label: str) -> tuple[Filter, str, _Scores]:
    """Find who scores a label, written ``spam`` or ``misuse.spam``.

    Returns:
        The filter, the bare label, and a function from texts to that label's scores.

    Raises:
        BadRows: No filter scores it, or more than one does.
    """
    wanted, _, bare = label.rpartition(".")
    found = [each for each in filters if bare in each.labels and wanted in {"", each.name}]
    if len(found) != 1:
        raise BadRows(f"{label} is scored by {len(found)} filters; write it as filter.label")

    def scores(texts: Sequence[str]) -> list[float]:
        return [
            max(finding.score for finding in reading.findings if finding.label == bare)
            for reading in found[0].score([Sample(text) for text in texts])
        ]

    return found[0], bare, scores


def evaluate(
    rows: Iterable[LabelledText], *, label: str, scores: _Scores, threshold: float
) -> Evaluation:
    """Score the rows that have the label and compare.

    Raises:
        BadRows: No row has the label.
    """
    known = [row for row in rows if label in row.labels]
    if not known:
        raise BadRows(f"no row has the label {label}")
    began = time.perf_counter()
    found: list[float] = []
    for start in range(0, len(known), _BATCH):
        found += scores([row.text for row in known[start : start + _BATCH]])
    seconds = time.perf_counter() - began
    truth = np.array([row.labels[label] > 0 for row in known])
    score = np.array(found, dtype=np.float64)
    flagged = score >= threshold
    return Evaluation(
        rows=len(known),
        auc=area_under_curve(truth, score),
        average_precision=average_precision(truth, score),
        threshold=threshold,
        recall=float(flagged[truth].mean()) if truth.any() else None,
        false_positive_rate=float(flagged[~truth].mean()) if not truth.all() else None,
        accuracy=float((flagged == truth).mean()),
        texts_per_second=len(known) / max(seconds, 1e-9),
    )


def area_under_curve(truth: NDArray[np.bool_], score: NDArray[np.float64]) -> float | None:
    """Return the chance that a positive outscores a negative; a tie counts half."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return None
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]  # Tied scores share their mean rank.
    above = rank[truth].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def average_precision(truth: NDArray[np.bool_], score: NDArray[np.float64]) -> float | None:
    """Return the mean precision over the positives, each at the threshold that just finds it."""
    if not truth.any():
        return None
    thresholds, place = np.unique(-score, return_inverse=True)
    flagged = np.cumsum(np.bincount(place, minlength=len(thresholds)))
    right = np.cumsum(np.bincount(place, weights=truth, minlength=len(thresholds)))
    gained = np.diff(right, prepend=0.0)
    return float((gained * right / flagged).sum() / truth.sum())
