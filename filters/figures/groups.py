"""Figures by group: whom the filters hurt, and what they miss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from filters.evaluation import LabelledText
from filters.figures.intervals import Estimate, difference, share
from filters.figures.scoring import Scored

Grouping = Callable[[LabelledText], str | None]

_TERM_STARTS: Mapping[str, int] = {
    "name_adj": 4,  # NAME is a ADJECTIVE TERM
    "you_are_adj": 4,  # You are a ADJECTIVE TERM
    "verb_adj": 1,  # VERB TERM
    "am_hate_adj": 2,  # I VERB TERM
    "being_adj": 1,  # Being TERM is ADJECTIVE
}
_BEING_TAIL = 2


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """What a label does to one group of texts.

    Attributes:
        group: Name of the group.
        label: Filter and label.
        positives: Texts of the group that are what the label says.
        negatives: Texts of it that are not.
        missed: Share of the positives below the policy's threshold (false-negative rate).
        false_positive_rate: Share of the negatives that reach it.
    """

    group: str
    label: str
    positives: int
    negatives: int
    missed: Estimate | None
    false_positive_rate: Estimate | None


@dataclass(frozen=True, slots=True)
class Spread:
    """The two groups whose false-positive rates are furthest apart.

    Attributes:
        highest: The group with the highest rate.
        lowest: The group with the lowest one.
        apart: The difference, with the interval for these two.
    """

    highest: str
    lowest: str
    apart: Estimate


def identity_term(row: LabelledText) -> str | None:
    """Return the group of people that a row of the bias templates names, if it names one."""
    template = str(row.facts.get("template", ""))
    words = row.text.lower().split()
    if template not in _TERM_STARTS:
        return None
    end = len(words) - _BEING_TAIL if template == "being_adj" else len(words)
    return " ".join(words[_TERM_STARTS[template] : end]) or None


def by_fact(name: str) -> Grouping:
    """Return a grouping by a field of the data set's lines."""

    def group(row: LabelledText) -> str | None:
        value = row.facts.get(name)
        return None if value is None else str(value)

    return group


def by_group(scored: Scored, label: str, group_of: Grouping) -> list[GroupFigures]:
    """Return the figures of every group with a text whose truth is known, by name."""
    places, truth = scored.known(label)
    reached = scored.reaches(label)[places]
    groups = np.array([group_of(scored.rows[place]) or "" for place in places], dtype=np.str_)
    return [
        GroupFigures(
            group=str(name),
            label=label,
            positives=int(truth[inside].sum()),
            negatives=int((~truth[inside]).sum()),
            missed=share(~reached[inside & truth]),
            false_positive_rate=share(reached[inside & ~truth]),
        )
        for name, inside in ((name, groups == name) for name in np.unique(groups) if name)
    ]


def spread(groups: Iterable[GroupFigures]) -> Spread | None:
    """Return the largest difference of false-positive rate between two groups."""
    rates = _rates(groups)
    if not rates:
        return None
    (lowest, smaller), (highest, larger) = rates[0], rates[-1]
    return Spread(highest, lowest, difference(larger, smaller))


def _rates(groups: Iterable[GroupFigures]) -> Sequence[tuple[str, Estimate]]:
    found = [
        (each.group, each.false_positive_rate)
        for each in groups
        if each.false_positive_rate is not None
    ]
    return sorted(found, key=lambda pair: (pair[1].value, pair[0]))
