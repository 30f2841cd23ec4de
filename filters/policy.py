"""Policies as people write them: TOML, read strictly. Data with a digest, not settings.

A policy is a TOML document::

    name = "default"
    time_limit_seconds = 120
    second_reviews = 0.05      # share of reviews in which a release needs two reviewers

    [rules.toxicity]
    toxicity = 0.9             # short for { threshold = 0.9 }
    obscene = { threshold = 0.5, action = "note", severity = "low" }

    [prompts]
    action = "refuse"          # or "note"

Invariant: a policy that would pass everything cannot be made by ``parse_policy``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from importlib import resources
from types import MappingProxyType
from typing import Any, TypeVar

from filters.contract import Filter
from filters.rules import Action, Policy, PromptAction, Rule
from filters.toml_lines import Path, line_of, place_of_error, written
from filters.verdict import Severity

__all__ = ["BadPolicy", "Policy", "check_policy", "default_policy", "parse_policy"]

NAME_LIMIT = 100
_KEYS = ("name", "time_limit_seconds", "second_reviews", "rules", "prompts")
_RULE_KEYS = ("threshold", "action", "severity")
_PROMPT_KEYS = ("action",)

E = TypeVar("E", bound=StrEnum)


class BadPolicy(ValueError):
    """The policy cannot be used; the message says what is wrong, and where.

    Attributes:
        line: The line, counted from 1; of a key that is missing, where its table begins.
        key: The key with its tables, such as ``rules.toxicity.insult``; may be empty.
    """

    def __init__(self, reason: str, *, line: int | None = None, key: str = "") -> None:
        where = ", ".join(part for part in (f"line {line}" if line else "", key) if part)
        super().__init__(f"{where}: {reason}" if where else reason)
        self.line = line
        self.key = key


def parse_policy(toml_text: str) -> Policy:
    """Read a policy, refusing everything that is not plainly meant.

    Raises:
        BadPolicy: The text is not TOML, a key is missing or unknown, a rule is empty, a value is
            outside its range, or nothing would ever be flagged.
    """
    try:
        document = tomllib.loads(toml_text)
    except (ValueError, RecursionError) as error:  # of tomllib, or of a number without end
        line, path = place_of_error(toml_text, str(error))
        raise BadPolicy(f"not TOML: {error}", line=line, key=written(path)) from error
    return _Reader(toml_text).policy(document)


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
    bad = _Reader(policy.source).bad
    labels: dict[str, tuple[str, ...]] = {}
    for each in filters:
        if each.name in labels:
            raise BadPolicy(f"two filters are called {each.name}")
        labels[each.name] = each.labels
    for name, rules in policy.rules.items():
        if name not in labels:
            raise bad(("rules", name), f"there is no such filter; there is {_list(labels)}")
        for label in rules:
            if label not in labels[name]:
                known = _list(labels[name])
                raise bad(("rules", name, label), f"{name} has no such label; it has {known}")
    for name in labels:
        if name not in policy.rules:
            raise bad(("rules", name), f"missing; the filter {name} runs, so it needs a rule")


class _Reader:
    """Reads one document, and knows in which line each key of it is."""

    def __init__(self, source: str) -> None:
        self._source = source

    def bad(self, path: Path, reason: str) -> BadPolicy:
        return BadPolicy(reason, line=line_of(self._source, path), key=written(path))

    def policy(self, document: Mapping[str, Any]) -> Policy:
        self._only((), document, _KEYS, "a policy")
        name = document.get("name")
        if not isinstance(name, str) or not name.strip():
            raise self.bad(("name",), "a policy needs a name, in quotes")
        if len(name) > NAME_LIMIT:
            raise self.bad(("name",), f"must have at most {NAME_LIMIT} characters")
        seconds = self._number(("time_limit_seconds",), document.get("time_limit_seconds"))
        if not 0 < seconds < float("inf"):
            raise self.bad(("time_limit_seconds",), "must be more than 0")
        share = self._number(("second_reviews",), document.get("second_reviews", 0.0))
        if not 0 <= share <= 1:
            raise self.bad(("second_reviews",), "must be a share, from 0 to 1")
        prompts = self._prompts(document.get("prompts", {}))
        return Policy(
            name=name,
            rules=self._rules(document.get("rules")),
            time_limit_seconds=seconds,
            second_reviews=share,
            prompts=prompts,
            source=self._source,
        )

    def _rules(self, document: Any) -> Mapping[str, Mapping[str, Rule]]:
        if not isinstance(document, dict) or not document:
            raise self.bad(("rules",), "missing; a policy without rules would pass everything")
        rules: dict[str, Mapping[str, Rule]] = {}
        for name, given in document.items():
            if not isinstance(given, dict) or not given:
                raise self.bad(("rules", name), "must be a table with at least one label")
            read = {label: self._rule(("rules", name, label), it) for label, it in given.items()}
            rules[name] = MappingProxyType(read)
        if not any(rule.action is Action.FLAG for each in rules.values() for rule in each.values()):
            raise self.bad(("rules",), "every label is only noted, so everything would pass")
        return MappingProxyType(rules)

    def _rule(self, path: Path, given: Any) -> Rule:
        if not isinstance(given, dict):
            return Rule(self._threshold(path, given))
        self._only(path, given, _RULE_KEYS, "a rule")
        return Rule(
            self._threshold((*path, "threshold"), given.get("threshold")),
            self._one_of((*path, "action"), given.get("action", Action.FLAG), Action),
            self._one_of((*path, "severity"), given.get("severity", Severity.MEDIUM), Severity),
        )

    def _prompts(self, given: Any) -> PromptAction:
        if not isinstance(given, dict):
            raise self.bad(("prompts",), "must be a table")
        self._only(("prompts",), given, _PROMPT_KEYS, "this table")
        action = given.get("action", PromptAction.NOTE)
        return self._one_of(("prompts", "action"), action, PromptAction)

    def _only(
        self, path: Path, given: Mapping[str, Any], known: tuple[str, ...], what: str
    ) -> None:
        for key in given:
            if key not in known:
                raise self.bad((*path, key), f"unknown key; {what} has {_list(known)}")

    def _one_of(self, path: Path, given: Any, kind: type[E]) -> E:
        if isinstance(given, str) and given in set(kind):
            return kind(given)
        raise self.bad(path, f"must be one of {_list(each.value for each in kind)}, in quotes")

    def _threshold(self, path: Path, given: Any) -> float:
        threshold = self._number(path, given)
        if not 0 < threshold <= 1:
            raise self.bad(path, f"must be more than 0 and at most 1, not {threshold:g}")
        return threshold

    def _number(self, path: Path, given: Any) -> float:
        if given is None:
            raise self.bad(path, "missing")
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise self.bad(path, "must be a number")
        try:
            return float(given)
        except OverflowError:
            raise self.bad(path, "is too large") from None


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
