"""Verdicts: what screening decided about a text, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from filters.contract import Finding

NOT_SCORED = "not_scored"
"""Label of the flag on a text that a filter could not score completely."""


class Decision(StrEnum):
    """Whether a text may be read without a person's decision."""

    RELEASE = "release"
    FLAG = "flag"


class Severity(StrEnum):
    """How bad a label is; reviewers see the worst first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Flag:
    """One label at or over its threshold: why a text is not released, or worth noting.

    Attributes:
        filter: Name of the filter.
        label: The label over its threshold, or ``not_scored``.
        score: From 0.0 to 1.0.
        threshold: What the policy allows; 0.0 for ``not_scored``.
        count: How many outputs it is about, where it is about a batch of them.
        severity: What the policy says; high for ``not_scored``, since such a text may be anything.
    """

    filter: str
    label: str
    score: float
    threshold: float
    count: int = 1
    severity: Severity = Severity.MEDIUM

    @classmethod
    def not_scored(cls, name: str) -> Flag:
        """Return the flag that says: this filter did not score the whole text."""
        return cls(name, NOT_SCORED, 1.0, 0.0, severity=Severity.HIGH)


@dataclass(frozen=True, slots=True)
class FilterIdentity:
    """Which filter scored, exactly, and how much of one text it looked at.

    Attributes:
        name: Name of the filter.
        version: Version of its rules.
        weights_digest: sha256 of its weights file, if it has weights.
        windows: Spans in which it looked at the text; 0 if it gave no usable reading.
        characters: Code points of the text that it looked at.
    """

    name: str
    version: str
    weights_digest: str | None
    windows: int = 0
    characters: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What screening decided about one text. It never holds the text.

    Attributes:
        decision: Release, or flag.
        findings: Every valid finding of every filter.
        flagged_by: Why it is flagged; empty when it is released.
        policy_digest: sha256 of the policy that was applied.
        filters: The filters that were asked.
        windows: The largest number of spans in which one filter looked at the text.
        characters: Length of the text in code points.
        noted: Labels over a threshold that the policy only notes.
        thresholds: What the policy allows, as ``{"toxicity.toxicity": 0.86}``.
    """

    decision: Decision
    findings: tuple[Finding, ...]
    flagged_by: tuple[Flag, ...]
    policy_digest: str
    filters: tuple[FilterIdentity, ...]
    windows: int
    characters: int
    noted: tuple[Flag, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.decision is Decision.RELEASE) == bool(self.flagged_by):
            raise ValueError("a verdict flags exactly when there is a reason to")

    @property
    def scores(self) -> dict[str, float]:
        """The highest score of each label, as ``{"toxicity.toxicity": 0.01}``."""
        highest: dict[str, float] = {}
        for finding in self.findings:
            key = f"{finding.filter}.{finding.label}"
            highest[key] = max(finding.score, highest.get(key, 0.0))
        return highest

    def to_record(self) -> dict[str, Any]:
        """Return the verdict as plain JSON values, for a row or a receipt."""
        return {
            "decision": self.decision.value,
            "scores": self.scores,
            "findings": [_values(finding) for finding in self.findings],
            "flagged_by": [_values(flag) for flag in self.flagged_by],
            "noted": [_values(flag) for flag in self.noted],
            "policy_digest": self.policy_digest,
            "filters": [_values(identity) for identity in self.filters],
            "windows": self.windows,
            "characters": self.characters,
            "thresholds": dict(self.thresholds),
        }


def _values(row: Finding | Flag | FilterIdentity) -> dict[str, Any]:
    """Return its attributes by name; ``asdict`` looks for others within, which there are not."""
    return {name: getattr(row, name) for name in row.__slots__}
