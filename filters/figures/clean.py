"""Text that nothing should flag: stories, plays and textbooks that were never trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

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
        by_filter: Filter to the share that it flags.
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
    reached = {label: scored.reaches(label) for label in scored.scores}
    names = dict.fromkeys(label.partition(".")[0] for label in reached)
    return CleanFigures(
        source=scored.name,
        texts=len(scored.rows),
        flagged=share(scored.flagged),
        by_filter={
            name: share(
                np.logical_or.reduce(
                    [hits for label, hits in reached.items() if label.startswith(f"{name}.")]
                )
            )
            for name in names
        },
        labels={label: int(hits.sum()) for label, hits in reached.items() if hits.any()},
    )
