"""A filter made of patterns: what ``secrets`` and ``links`` have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from filters.contract import Finding, Reading, Sample
from filters.folding import fold

MOST_HITS = 100
"""Findings of one label that are kept of one text; the surest ones, the first of equals."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where a pattern matched.

    Attributes:
        label: What it is.
        score: How sure this is, from 0.0 to 1.0.
        start: First character, in code points.
        end: One past the last.
    """

    label: str
    score: float
    start: int
    end: int


class Finder(Protocol):
    """Finds every hit in a text, in one pass over all of it."""

    def __call__(self, text: str) -> Iterator[Hit]:
        """Yield the hits in order of their place."""


@dataclass(frozen=True)
class PatternFilter:
    """Turns a finder into a filter.

    Attributes:
        name: Name of the filter.
        version: Changes with the patterns.
        labels: Every label that the finder may yield.
        find: The finder.
    """

    name: str
    version: str
    labels: tuple[str, ...]
    find: Finder
    weights_digest: None = None

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        """Return all hits of each text, and score 0.0 for the labels without one."""
        texts = [sample.text for sample in samples]
        return [Reading(tuple(self._findings(text)), ((0, len(text)),)) for text in texts]

    def _findings(self, text: str) -> Iterator[Finding]:
        """Yield the hits in the text as it is, and those that only its folded form shows."""
        hits = {(hit.label, hit.start, hit.end): hit for hit in self.find(text)}
        if form := fold(text):
            for hit in self.find(form.text):
                start, end = form.span(hit.start, hit.end)
                hits.setdefault((hit.label, start, end), replace(hit, start=start, end=end))
        for label in self.labels:
            found = [hit for hit in hits.values() if hit.label == label]
            for hit in sorted(found, key=lambda hit: -hit.score)[:MOST_HITS]:
                yield Finding(self.name, label, hit.score, hit.start, hit.end)
            if not found:
                yield Finding(self.name, label, 0.0, 0, len(text))
