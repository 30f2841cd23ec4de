"""Secrets and personal data: whether each one that a text holds is found where it is.

A span counts as found when something that the filter flags overlaps it. The gitleaks samples are
secrets as a whole; of Presidio's, only the types that the filter claims to find are asked for.
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
        recall: Share of them that the filter flags.
    """

    dataset: str
    type: str
    spans: int
    recall: Estimate | None


def measure_spans(scored: Mapping[str, Scored]) -> list[SpanFigures]:
    """Return the figures of both sets, by type and for all types together."""
    found: list[SpanFigures] = []
    for name, filter_name in ((PRESIDIO, PERSONAL), (GITLEAKS, "secrets")):
        each = scored[name]
        if not any(label.startswith(f"{filter_name}.") for label in each.scores):
            continue
        asked = [
            (kind, _is_hit(each, number, filter_name, start, end))
            for number, row in enumerate(each.rows)
            for kind, start, end in _spans(row, name)
        ]
        for kind in (*sorted({kind for kind, _ in asked} - {_ALL}), _ALL):
            hits = np.array([hit for one, hit in asked if kind in {one, _ALL}], dtype=np.bool_)
            found.append(SpanFigures(name, kind, len(hits), share(hits)))
    return found


def _spans(row: LabelledText, name: str) -> Iterator[tuple[str, int, int]]:
    if name == GITLEAKS:
        if row.labels.get("secret", 0) > 0:
            yield _ALL, 0, len(row.text)
        return
    for span in row.facts["spans"]:
        if span["type"] in CLAIMED:
            yield str(span["type"]), int(span["start"]), int(span["end"])


def _is_hit(scored: Scored, number: int, filter_name: str, start: int, end: int) -> bool:
    return any(
        finding.filter == filter_name and finding.start < end and start < finding.end
        for finding in scored.hits[number]
    )
