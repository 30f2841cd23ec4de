"""Policies: from which score on a label flags. Data with a digest, not settings.

A policy is a TOML document::

    name = "default"
    time_limit_seconds = 120

    [rules.toxicity]
    toxicity = 0.9

Invariant: a policy that would pass everything cannot be made by ``parse_policy``.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from types import MappingProxyType
from typing import Any

from filters.contract import Filter

_KEYS = frozenset({"name", "time_limit_seconds", "rules"})


class BadPolicy(ValueError):
    """The policy cannot be used; the message says what is wrong, and where."""


@dataclass(frozen=True)
class Policy:
    """The rules that turn scores into a decision.

    Attributes:
        name: What people call it.
        rules: Filter to label to threshold; a score at or over the threshold flags.
        time_limit_seconds: How long one filter may take for one batch of texts.
        source: The TOML it was read from.
    """

    name: str
    rules: Mapping[str, Mapping[str, float]]
    time_limit_seconds: float
    source: str = field(default="", compare=False)

    @property
    def digest(self) -> str:
        """sha256 of what the policy says; comments and layout do not change it."""
        said = {
            "name": self.name,
            "rules": {name: dict(rule) for name, rule in self.rules.items()},
            "time_limit_seconds": self.time_limit_seconds,
        }
        canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def parse_policy(toml_text: str) -> Policy:
    """Read a policy, refusing everything that is not plainly meant.

    Raises:
        BadPolicy: The text is not TOML, a key is missing or unknown, a rule is empty, or a number
            is outside its range.
    """
    try:
        document = tomllib.loads(toml_text)
    except tomllib.TOMLDecodeError as error:
        raise BadPolicy(f"not TOML: {error}") from error
    for key in document:
        if key not in _KEYS:
            raise BadPolicy(f"{key}: unknown key; a policy has {', '.join(sorted(_KEYS))}")
    name = document.get("name")
    if not isinstance(name, str) or not name.strip():
        raise BadPolicy("name: a policy needs a name, in quotes")
    seconds = _number("time_limit_seconds", document.get("time_limit_seconds"))
    if not 0 < seconds < float("inf"):
        raise BadPolicy("time_limit_seconds: must be more than 0")
    return Policy(name, _rules(document.get("rules")), seconds, toml_text)


def default_policy() -> Policy:
    """Return the policy that ships with Corral."""
    path = resources.files("filters") / "policies" / "default.toml"
    return parse_policy(path.read_text(encoding="utf-8"))


def check_policy(policy: Policy, filters: Iterable[Filter]) -> None:
    """Refuse a policy and a set of filters that do not belong together.

    Raises:
        BadPolicy: A rule names a filter or label that nothing provides, two filters share a name,
            or a filter has no rule and would score for nobody.
    """
    labels: dict[str, tuple[str, ...]] = {}
    for each in filters:
        if each.name in labels:
            raise BadPolicy(f"two filters are called {each.name}")
        labels[each.name] = each.labels
    for name, rule in policy.rules.items():
        if name not in labels:
            raise BadPolicy(f"rules.{name}: there is no such filter")
        for label in rule:
            if label not in labels[name]:
                known = ", ".join(labels[name])
                raise BadPolicy(f"rules.{name}.{label}: {name} has no such label; it has {known}")
    for name in labels:
        if name not in policy.rules:
            raise BadPolicy(f"rules.{name}: missing; the filter {name} runs, so it needs a rule")


def _rules(document: Any) -> Mapping[str, Mapping[str, float]]:
    if not isinstance(document, dict) or not document:
        raise BadPolicy("rules: missing; a policy without rules would pass everything")
    rules: dict[str, Mapping[str, float]] = {}
    for name, thresholds in document.items():
        if not isinstance(thresholds, dict) or not thresholds:
            raise BadPolicy(f"rules.{name}: must be a table with at least one label")
        rules[name] = MappingProxyType(
            {
                label: _threshold(f"rules.{name}.{label}", value)
                for label, value in thresholds.items()
            }
        )
    return MappingProxyType(rules)


def _threshold(key: str, value: Any) -> float:
    threshold = _number(key, value)
    if not 0 < threshold <= 1:
        raise BadPolicy(f"{key}: must be more than 0 and at most 1, not {value}")
    return threshold


def _number(key: str, value: Any) -> float:
    if value is None:
        raise BadPolicy(f"{key}: missing")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadPolicy(f"{key}: must be a number")
    return float(value)
