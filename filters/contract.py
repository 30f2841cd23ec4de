"""What a filter is, and what it answers.

Invariant: a filter is pure. It has no threshold and decides nothing; ``filters.screen`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is remembered of an output in place of its text; the text cannot be had from it.

    Attributes:
        signature: Says how alike two texts are, names and numbers left out.
        slots: Digest of the names and numbers that were left out.
    """

    signature: bytes
    slots: bytes


@dataclass(frozen=True, slots=True)
class Sample:
    """A text that is to be scored, and what is known around it.

    Attributes:
        text: The text. Nothing else is scored, and every span is one of it.
        prompt: What it was generated from; empty when nobody knows.
        echo: Whether the text was asked to begin with the prompt.
        earlier: Sketches of other outputs of the same researcher.
    """

    text: str
    prompt: str = ""
    echo: bool = False
    earlier: tuple[Sketch, ...] = ()

    @property
    def begins(self) -> int:
        """Where what was generated begins: after the prompt, if the text was to begin with it."""
        return len(self.prompt) if self.echo and self.text.startswith(self.prompt) else 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One label's score, with the part of the text that it came from.

    Attributes:
        filter: Name of the filter.
        label: What was looked for.
        score: From 0.0 (not at all) to 1.0.
        start: First character of the span, counted in code points of the text.
        end: One past the last character of the span.
        count: How many outputs it is about, where it is about a batch of them.
    """

    filter: str
    label: str
    score: float
    start: int
    end: int
    count: int = 1


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
    """Scores samples for one subject."""

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

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        """Return one reading for each sample, in order.

        Filters take many samples at once because a classifier's cost falls with the batch.
        """
