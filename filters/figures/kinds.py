"""Figures of each kind of misuse, over the prompts of several data sets together.

No set has enough prompts of one kind alone. The harmful ones of all sets are set against the
harmless ones that look like them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from filters.figures.intervals import Estimate, area, share
from filters.figures.scoring import Scored
from filters.figures.sets import BENIGN_PROMPTS, HARMFUL_PROMPTS

_ANY = "misuse.misuse"


@dataclass(frozen=True, slots=True)
class KindFigures:
    """What the misuse filter says about prompts of one kind.

    Attributes:
        kind: Filter and label.
        positives: Harmful prompts of the kind.
        negatives: Harmless prompts.
        auc: Chance that a prompt of the kind outscores a harmless one, by the kind's own label.
        recall: Share of the prompts that reach the kind's own threshold.
        recall_by_misuse: Share of them that reach the threshold of ``misuse``.
        false_positive_rate: Share of the harmless prompts that reach the kind's own threshold.
    """

    kind: str
    positives: int
    negatives: int
    auc: Estimate | None
    recall: Estimate | None
    recall_by_misuse: Estimate | None
    false_positive_rate: Estimate | None


def measure_kinds(scored: Mapping[str, Scored]) -> list[KindFigures]:
    """Return the figures of every kind that some harmful prompt has."""
    labels = [label for label in scored[BENIGN_PROMPTS[0]].scores if label.startswith("misuse.")]
    found = [_measure_kind(scored, label) for label in labels if label != _ANY]
    return [each for each in found if each.positives]


def _measure_kind(scored: Mapping[str, Scored], label: str) -> KindFigures:
    harmful = [_select(scored[name], label, truth=True) for name in HARMFUL_PROMPTS]
    harmless = [_select(scored[name], _ANY, truth=False) for name in BENIGN_PROMPTS]
    positive, negative = _joined(scored, label, harmful), _joined(scored, label, harmless)
    truth = np.repeat([True, False], [len(positive), len(negative)])
    own = scored[BENIGN_PROMPTS[0]].thresholds.get(label, np.inf)
    whole = scored[BENIGN_PROMPTS[0]].thresholds.get(_ANY, np.inf)
    return KindFigures(
        kind=label,
        positives=len(positive),
        negatives=len(negative),
        auc=area(truth, np.concatenate([positive, negative])),
        recall=share(positive >= own),
        recall_by_misuse=share(_joined(scored, _ANY, harmful) >= whole),
        false_positive_rate=share(negative >= own),
    )


def _select(scored: Scored, label: str, *, truth: bool) -> tuple[str, NDArray[np.int64]]:
    places, known = scored.known(label)
    return scored.name, places[known == truth]


def _joined(
    scored: Mapping[str, Scored], label: str, parts: list[tuple[str, NDArray[np.int64]]]
) -> NDArray[np.float64]:
    return np.concatenate([scored[name].scores[label][places] for name, places in parts])
