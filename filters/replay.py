"""Decide again, under another policy, about texts that were screened before.

What a filter found is stored, so another threshold or action needs no filter. A filter, or a
label, that the stored findings do not have is scored on the text, and that filter alone.

Invariant: under the policy and the filters that gave a verdict, it comes out again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from filters.contract import Filter, Finding, Sample
from filters.rules import Action, Policy, weigh
from filters.screen import screen
from filters.verdict import NOT_SCORED, Decision, Flag


@dataclass(frozen=True, slots=True)
class Screened:
    """A text with what was found in it.

    Attributes:
        sample: The text, and what is known around it.
        findings: What the filters of that time found.
    """

    sample: Sample
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What another policy decides.

    Attributes:
        decision: Release, or flag.
        flagged_by: Why it flags; empty when it releases.
        scored_again: The filters that had to score the text.
    """

    decision: Decision
    flagged_by: tuple[Flag, ...]
    scored_again: frozenset[str]


def judge_again(
    texts: Sequence[Screened], *, policy: Policy, filters: Sequence[Filter]
) -> list[Judgement]:
    """Return what the policy decides about each text, in order.

    Args:
        texts: Texts with what was found in them.
        policy: Another policy; it must fit the filters.
        filters: The filters as they are loaded, for what was not found before.
    """
    lacking = [_lacking(each.findings, policy) for each in texts]
    found = [_by_filter(each.findings) for each in texts]
    unscored: list[list[Flag]] = [[] for _ in texts]
    together: dict[frozenset[str], list[int]] = defaultdict(list)
    for place, names in enumerate(lacking):
        if names:
            together[names].append(place)
    for names, places in together.items():
        verdicts = screen(
            [texts[place].sample for place in places],
            filters=[each for each in filters if each.name in names],
            policy=replace(policy, rules={name: policy.rules[name] for name in names}),
        )
        for place, verdict in zip(places, verdicts, strict=True):
            found[place].update(_by_filter(verdict.findings))
            unscored[place] = [each for each in verdict.flagged_by if each.label == NOT_SCORED]
    return [
        _judgement(policy, findings, flags, names)
        for findings, flags, names in zip(found, unscored, lacking, strict=True)
    ]


def _judgement(
    policy: Policy,
    findings: Mapping[str, Sequence[Finding]],
    unscored: Sequence[Flag],
    scored_again: frozenset[str],
) -> Judgement:
    flags = list(unscored)
    failed = {each.filter for each in unscored}
    for name, rules in policy.rules.items():
        if name not in failed:
            flags += weigh(findings[name], rules)[Action.FLAG]
    decision = Decision.FLAG if flags else Decision.RELEASE
    return Judgement(decision, tuple(flags), scored_again)


def _lacking(findings: Iterable[Finding], policy: Policy) -> frozenset[str]:
    """Return the filters of the policy that have no finding for one of its labels."""
    known = {(each.filter, each.label) for each in findings}
    return frozenset(
        name
        for name, rules in policy.rules.items()
        if any((name, label) not in known for label in rules)
    )


def _by_filter(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = defaultdict(list)
    for each in findings:
        found[each.filter].append(each)
    return dict(found)
