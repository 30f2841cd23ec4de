"""A group of a classifier's labels as a filter.

Several filters may stand on one classifier: it computes once and each reads its own labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from filters.contract import Finding, Reading, Sample


class Scores(Protocol):
    """What a classifier says about one text."""

    @property
    def scores(self) -> Mapping[str, tuple[float, int, int]]:
        """Label to highest score, and the span it came from."""

    @property
    def covered(self) -> tuple[tuple[int, int], ...]:
        """Spans that were looked at."""


class Scorer(Protocol):
    """A classifier, as far as a filter needs to know it; torch stays out of sight."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label it scores."""

    @property
    def digest(self) -> str:
        """sha256 of its weights file."""

    def score(self, texts: Sequence[str]) -> Sequence[Scores]:
        """Return the scores of each text over its whole length."""

    def check_weights(self) -> None:
        """Check that the weights are still those that were loaded, and keep no old score."""


@dataclass(frozen=True)
class ClassifierFilter:
    """Some of the labels of a classifier, under one name.

    Attributes:
        name: Name of the filter.
        labels: The labels it reports.
        classifier: Where the scores come from.
        version: Raised when weights, windows or aggregation give a text other scores.
    """

    name: str
    labels: tuple[str, ...]
    classifier: Scorer
    version: str = "2"

    def __post_init__(self) -> None:
        if missing := [label for label in self.labels if label not in self.classifier.labels]:
            raise ValueError(f"the classifier of {self.name} has no label {', '.join(missing)}")

    @property
    def weights_digest(self) -> str:
        """sha256 of the classifier's weights file."""
        return self.classifier.digest

    def check_weights(self) -> None:
        """Check that the weights are still those that were loaded, and keep no old score.

        Raises:
            WeightsChanged: The file or the tensors in memory differ.
        """
        self.classifier.check_weights()

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        """Return one reading for each sample, with one finding for each label."""
        return [
            Reading(
                tuple(Finding(self.name, label, *each.scores[label]) for label in self.labels),
                each.covered,
            )
            for each in self.classifier.score([sample.text for sample in samples])
        ]
