"""Screen every text of a data set once, as an output would be, and keep what was said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from filters.contract import Filter, Finding, Sample
from filters.evaluation import LabelledText
from filters.rules import Action, Policy
from filters.screen import BATCH, screen
from filters.verdict import NOT_SCORED, Decision, Verdict

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Scored:
    """The verdicts on one data set, by column.

    Attributes:
        name: Name of the data set.
        rows: What is known about each text.
        scores: Filter and label to the score of each text. A text that the filter could not score
            completely counts as 1.0 there: it is flagged, whatever it says.
        thresholds: Filter and label to the policy's threshold.
        noted: The labels that the policy only notes.
        flagged: Whether anything at all flags the text.
        not_scored: How many texts some filter could not score completely.
        hits: The findings of each text that reach their threshold.
    """

    name: str
    rows: Sequence[LabelledText]
    scores: Mapping[str, NDArray[np.float64]]
    thresholds: Mapping[str, float]
    noted: frozenset[str]
    flagged: NDArray[np.bool_]
    not_scored: int
    hits: Sequence[Sequence[Finding]]

    def reaches(self, label: str) -> NDArray[np.bool_]:
        """Return which texts reach the label's threshold; none does where there is no rule."""
        return self.scores[label] >= self.thresholds.get(label, np.inf)

    def known(self, label: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the places of the texts whose truth is known for a label, and that truth."""
        bare = label.partition(".")[2]
        places = [number for number, row in enumerate(self.rows) if bare in row.labels]
        truth = [self.rows[number].labels[bare] > 0 for number in places]
        return np.array(places, dtype=np.int64), np.array(truth, dtype=np.bool_)


def score_rows(
    dataset: str,
    rows: Sequence[LabelledText],
    *,
    filters: Sequence[Filter],
    policy: Policy,
    progress: Progress,
) -> Scored:
    """Screen all rows; texts of like length go together, which is quicker and changes nothing."""
    order = sorted(range(len(rows)), key=lambda number: len(rows[number].text))
    verdicts: dict[int, Verdict] = {}
    for start in range(0, len(order), BATCH):
        part = order[start : start + BATCH]
        samples = [Sample(rows[number].text) for number in part]
        verdicts |= zip(part, screen(samples, filters=filters, policy=policy), strict=True)
        progress(len(part))
    ranked = [verdicts[number] for number in range(len(rows))]
    said = [verdict.scores for verdict in ranked]
    thresholds = {
        f"{name}.{label}": threshold
        for name, rule in policy.thresholds.items()
        for label, threshold in rule.items()
    }
    labels = [f"{each.name}.{label}" for each in filters for label in each.labels]
    return Scored(
        dataset,
        rows,
        {label: np.array([each.get(label, 1.0) for each in said]) for label in labels},
        thresholds,
        frozenset(
            f"{name}.{label}"
            for name, rule in policy.actions.items()
            for label, action in rule.items()
            if action is Action.NOTE
        ),
        np.array([verdict.decision is Decision.FLAG for verdict in ranked], dtype=np.bool_),
        sum(any(flag.label == NOT_SCORED for flag in each.flagged_by) for each in ranked),
        [
            [
                finding
                for finding in verdict.findings
                if finding.score >= thresholds.get(f"{finding.filter}.{finding.label}", np.inf)
            ]
            for verdict in ranked
        ],
    )
