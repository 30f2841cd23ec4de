"""Secrets and personal data: whether each one that a text holds is found where it is.

A span counts as found when something that reaches its threshold overlaps it. The gitleaks samples
are secrets as a whole; of Presidio's, only the types that the filter claims to find are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from filters.evaluation import LabelledText
from filters.figures.intervals import Estimate, share
from filters.figures.scoring import Scored
from filters.figures.sets import CLAIMED, GITLEAKS, PERSONAL, PRESIDIO

_ALL = "all"


@dataclass(frozen=True, slots=True)
class SpanFigures:
    """How many of the spans of one type are found.

    Attributes:
        dataset: Name of the data set.
        type: Type of the spans, or ``all``.
        spans: How many there are.
        recall: Share of them that the filter sees.
        flagged: Share of them that it flags; the policy only notes the others.
    """

    dataset: str
    type: str
    spans: int
    recall: Estimate | None
    flagged: Estimate | None


def measure_spans(scored: Mapping[str, Scored]) -> list[SpanFigures]:
    """Return the figures of both sets, by type and for all types together."""
    found: list[SpanFigures] = []
    for name, filter_name in ((PRESIDIO, PERSONAL), (GITLEAKS, "secrets")):
        each = scored[name]
        if not any(label.startswith(f"{filter_name}.") for label in each.scores):
            continue
        asked = [
            (kind, set(_labels_at(each, number, filter_name, start, end)))
            for number, row in enumerate(each.rows)
            for kind, start, end in _spans(row, name)
        ]
        for kind in (*sorted({kind for kind, _ in asked} - {_ALL}), _ALL):
            labels = [said for one, said in asked if kind in {one, _ALL}]
            seen = np.array([bool(said) for said in labels], dtype=np.bool_)
            flagged = np.array([bool(said - each.noted) for said in labels], dtype=np.bool_)
            found.append(SpanFigures(name, kind, len(labels), share(seen), share(flagged)))
    return found


def _spans(row: LabelledText, name: str) -> Iterator[tuple[str, int, int]]:
    if name == GITLEAKS:
        if row.labels.get("secret", 0) > 0:
            yield _ALL, 0, len(row.text)
        return
    for span in row.facts["spans"]:
        if span["type"] in CLAIMED:
            yield str(span["type"]), int(span["start"]), int(span["end"])


def _labels_at(
    scored: Scored, number: int, filter_name: str, start: int, end: int
) -> Iterator[str]:
    for finding in scored.hits[number]:
        if finding.filter == filter_name and finding.start < end and start < finding.end:
            yield f"{finding.filter}.{finding.label}"
