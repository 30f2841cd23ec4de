"""What a policy says, once it is read. How one is written is in ``filters.policy``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from filters.contract import Finding
from filters.verdict import Flag, Severity

T = TypeVar("T")


class Action(StrEnum):
    """What a score at or over its threshold does to an output."""

    FLAG = "flag"
    NOTE = "note"


class PromptAction(StrEnum):
    """What a policy does with a prompt that it would flag as an output."""

    NOTE = "note"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Rule:
    """What one label's score means.

    Attributes:
        threshold: More than 0 and at most 1; a score at or over it counts.
        action: Flag the text, or only note it in the verdict.
        severity: How bad it is; reviewers see the worst first.
    """

    threshold: float
    action: Action = Action.FLAG
    severity: Severity = Severity.MEDIUM

    def said(self) -> float | dict[str, Any]:
        """Return the rule as short as it can be written: a number, or a table."""
        said: dict[str, Any] = {"threshold": self.threshold}
        if self.action is not Action.FLAG:
            said["action"] = self.action.value
        if self.severity is not Severity.MEDIUM:
            said["severity"] = self.severity.value
        return said if len(said) > 1 else self.threshold


@dataclass(frozen=True)
class Policy:
    """The rules that turn scores into a decision.

    Attributes:
        name: What people call it.
        rules: Filter to label to rule.
        time_limit_seconds: How long one filter may take for one batch of texts.
        second_reviews: Share of reviews, from 0 to 1, in which a release needs two reviewers.
        prompts: What is done with a prompt that the rules flag.
        source: The TOML it was read from.
    """

    name: str
    rules: Mapping[str, Mapping[str, Rule]]
    time_limit_seconds: float
    second_reviews: float = 0.0
    prompts: PromptAction = PromptAction.NOTE
    source: str = field(default="", compare=False)

    @property
    def digest(self) -> str:
        """sha256 of what the policy says, however it is written.

        Comments, layout and the long form of a rule change nothing; neither does a key that
        says what holds without it, so that policies from before the key keep their digest.
        """
        said: dict[str, Any] = {
            "name": self.name,
            "rules": {
                name: {label: rule.said() for label, rule in rules.items()}
                for name, rules in self.rules.items()
            },
            "time_limit_seconds": self.time_limit_seconds,
        }
        if self.second_reviews:
            said["second_reviews"] = self.second_reviews
        if self.refuses_prompts:
            said["prompts"] = {"action": self.prompts.value}
        canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()

    @property
    def refuses_prompts(self) -> bool:
        """Whether nothing is generated from a prompt that the rules flag."""
        return self.prompts is PromptAction.REFUSE

    @property
    def thresholds(self) -> dict[str, dict[str, float]]:
        """Filter to label to threshold, whatever is done from there on."""
        return self._each(lambda rule: rule.threshold)

    @property
    def actions(self) -> dict[str, dict[str, Action]]:
        """Filter to label to what is done from the threshold on."""
        return self._each(lambda rule: rule.action)

    @property
    def severities(self) -> dict[str, dict[str, Severity]]:
        """Filter to label to how bad it is."""
        return self._each(lambda rule: rule.severity)

    def _each(self, part: Callable[[Rule], T]) -> dict[str, dict[str, T]]:
        return {
            name: {label: part(rule) for label, rule in rules.items()}
            for name, rules in self.rules.items()
        }


def weigh(findings: Iterable[Finding], rules: Mapping[str, Rule]) -> dict[Action, list[Flag]]:
    """Return what one filter's findings amount to: what flags the text, what is only noted.

    Args:
        findings: Those of one filter; at least one for every label of the rules.
        rules: Label to rule.
    """
    highest: dict[str, Finding] = {}
    for finding in findings:
        known = highest.get(finding.label)
        if known is None or finding.score > known.score:
            highest[finding.label] = finding
    over: dict[Action, list[Flag]] = {action: [] for action in Action}
    for label, rule in rules.items():
        found = highest[label]
        if found.score >= rule.threshold:
            flag = Flag(
                found.filter, label, found.score, rule.threshold, found.count, rule.severity
            )
            over[rule.action].append(flag)
    return over
