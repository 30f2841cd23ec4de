"""What a filter is, and what it answers.

Invariant: a filter is pure. It has no threshold and decides nothing; ``filters.screen`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Finding:
    """One label's score, with the part of the text that it came from.

    Attributes:
        filter: Name of the filter.
        label: What was looked for.
        score: From 0.0 (not at all) to 1.0.
        start: First character of the span, counted in code points of the text.
        end: One past the last character of the span.
    """

    filter: str
    label: str
    score: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What one filter has to say about one text, and how much of the text it really looked at.

    Attributes:
        findings: At least one for every label of the filter; score 0.0 where nothing was found,
            so that "ran and found nothing" differs from "did not run".
        covered: The spans that were looked at, ``(start, end)`` in code points; they may overlap.
    """

    findings: tuple[Finding, ...]
    covered: tuple[tuple[int, int], ...]


class Filter(Protocol):
    """Scores texts for one subject."""

    @property
    def name(self) -> str:
        """Word that policies and verdicts use for this filter."""

    @property
    def version(self) -> str:
        """Changes whenever the same text may score differently with the same weights."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that this filter scores."""

    @property
    def weights_digest(self) -> str | None:
        """sha256 of the weights file, or nothing for a filter without weights."""

    def score(self, texts: Sequence[str]) -> list[Reading]:
        """Return one reading for each text, in order.

        Filters take many texts at once because a classifier's cost falls with the batch.
        """
