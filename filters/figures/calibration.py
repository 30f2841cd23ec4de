"""Whether a score of 0.8 means eight in ten: reliability, and the expected calibration error.

Source: C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On Calibration of Modern Neural Networks",
ICML 2017, section 2: bins of equal width, the error weighted by how many texts a bin has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """The texts whose scores are in one tenth of the range.

    Attributes:
        texts: How many there are, at least one.
        score: Their mean score.
        positives: The share of them that is positive.
    """

    texts: int
    score: float
    positives: float


def reliability(truth: NDArray[np.bool_], score: NDArray[np.float64]) -> list[Bin]:
    """Return the bins that hold texts, lowest scores first."""
    places = np.minimum((score * BINS).astype(int), BINS - 1)
    return [
        Bin(int(inside.sum()), float(score[inside].mean()), float(truth[inside].mean()))
        for inside in (places == number for number in range(BINS))
        if inside.any()
    ]


def calibration_error(truth: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Return the mean distance of score and share of positives over the texts' bins."""
    return sum(
        each.texts * abs(each.score - each.positives) for each in reliability(truth, score)
    ) / max(1, len(truth))
