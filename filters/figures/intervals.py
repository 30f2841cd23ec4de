"""Estimates with their 95 % intervals.

Sources: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA
1927 (a share); R. G. Newcombe, "Interval estimation for the difference between independent
proportions", Statistics in Medicine 1998, method 10 (two shares); B. Efron and R. J. Tibshirani,
"An Introduction to the Bootstrap", 1993, chapter 13 (percentiles of an area under the curve).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1_000
_SEED = 20_26
_Z = 1.959964  # The normal distribution has 95 % of its mass between -z and z.
_PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured number, and where it likely is: a 95 % interval."""

    value: float
    low: float
    high: float


def share(hits: NDArray[np.bool_]) -> Estimate | None:
    """Return the share that is true, with its Wilson interval; nothing of nothing."""
    count = len(hits)
    if not count:
        return None
    found = float(hits.mean())
    middle = found + _Z**2 / (2 * count)
    width = _Z * math.sqrt(found * (1 - found) / count + _Z**2 / (4 * count**2))
    scale = 1 + _Z**2 / count
    return Estimate(found, max(0.0, (middle - width) / scale), min(1.0, (middle + width) / scale))


def difference(larger: Estimate, smaller: Estimate) -> Estimate:
    """Return how far two independent shares are apart, with Newcombe's interval."""
    apart = larger.value - smaller.value
    below = math.hypot(larger.value - larger.low, smaller.high - smaller.value)
    above = math.hypot(larger.high - larger.value, smaller.value - smaller.low)
    return Estimate(apart, max(-1.0, apart - below), min(1.0, apart + above))


def area(truth: NDArray[np.bool_], score: NDArray[np.float64]) -> Estimate | None:
    """Return the area under the ROC curve, with a stratified bootstrap's percentiles.

    Positives and negatives are drawn apart, so that every draw has as many of each as the set. The
    draws are seeded: the same scores give the same interval.
    """
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return None
    distinct, place = np.unique(score, return_inverse=True)
    above, below = place[truth], place[~truth]
    random = np.random.default_rng(_SEED)
    drawn = [
        _area(
            np.bincount(random.choice(above, positives), minlength=len(distinct)),
            np.bincount(random.choice(below, negatives), minlength=len(distinct)),
        )
        for _ in range(RESAMPLES)
    ]
    whole = _area(
        np.bincount(above, minlength=len(distinct)), np.bincount(below, minlength=len(distinct))
    )
    low, high = np.percentile(drawn, _PERCENTILES)
    return Estimate(whole, float(low), float(high))


def _area(positives: NDArray[np.int64], negatives: NDArray[np.int64]) -> float:
    """Return the area from how many of each kind have each score, lowest score first."""
    outscored = np.cumsum(negatives) - negatives / 2  # A tie counts half.
    return float((positives * outscored).sum() / (positives.sum() * negatives.sum()))
