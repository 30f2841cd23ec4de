"""Text that nothing should flag: stories, plays and textbooks that were never trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from filters.evaluation import LabelledText
from filters.figures.intervals import Estimate, share
from filters.figures.scoring import Scored
from filters.training.prose import held_back_prose

PASSAGES = 1_000
"""Passages of each source, evenly spread over it."""


@dataclass(frozen=True, slots=True)
class CleanFigures:
    """What is flagged of one source of harmless text.

    Attributes:
        source: Name of the source.
        texts: Passages that were screened.
        flagged: Share that anything flags.
        by_filter: Filter to the share that it flags; what the policy only notes does not count.
        labels: Filter and label to how many passages reach it; only labels with some.
    """

    source: str
    texts: int
    flagged: Estimate | None
    by_filter: Mapping[str, Estimate | None]
    labels: Mapping[str, int]


def clean_texts(data: Path, *, limit: int | None = None) -> dict[str, list[LabelledText]]:
    """Return passages by source that neither trained a filter nor chose its thresholds."""
    count = min(PASSAGES, limit or PASSAGES)
    return {
        source: [LabelledText(text, {}) for text in found[:: max(1, len(found) // count)][:count]]
        for source, found in held_back_prose(data, check=True).items()
    }


def measure_clean(scored: Scored) -> CleanFigures:
    """Return what is flagged; every flag is a false one."""
    reached = {label: scored.reaches(label) for label in scored.scores if label not in scored.noted}
    names = dict.fromkeys(label.partition(".")[0] for label in scored.scores)
    return CleanFigures(
        source=scored.name,
        texts=len(scored.rows),
        flagged=share(scored.flagged),
        by_filter={name: share(_any_of(reached, name, len(scored.rows))) for name in names},
        labels={label: int(hits.sum()) for label, hits in reached.items() if hits.any()},
    )


def _any_of(
    reached: Mapping[str, NDArray[np.bool_]], filter_name: str, count: int
) -> NDArray[np.bool_]:
    hit = np.zeros(count, dtype=np.bool_)
    for label, hits in reached.items():
        if label.startswith(f"{filter_name}."):
            hit |= hits
    return hit
