"""Whether the figures reach what they should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from filters.figures.intervals import Estimate
from filters.figures.measured import TOXICITY, Measured
from filters.figures.sets import (
    CLEAN_RATE,
    GITLEAKS,
    PERSONAL,
    PRESIDIO,
    QUESTIONS,
    SPAN_RECALL,
    SPREAD_LIMIT,
    TEMPLATES,
    Target,
)

SPREAD = "spread of false-positive rate"
SPAN_SHARE = "recall of spans"
CLEAN_SHARE = "share of clean texts"
_FOUND_BY = {PRESIDIO: PERSONAL, GITLEAKS: "secrets"}


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure beside what it should reach.

    Attributes:
        dataset: Name of the data set.
        label: Filter and label.
        measure: Which figure.
        found: The figure; unset where the texts at hand do not give one.
        bound: What it should reach.
        is_least: Whether it should be at least that, or at most.
        is_reached: Whether it is.
        before: The figure of earlier filters, where there is one to compare with.
    """

    dataset: str
    label: str
    measure: str
    found: Estimate | None
    bound: float
    is_least: bool
    is_reached: bool
    before: float | None = None


def goals(measured: Measured, before: Mapping[str, Any] | None = None) -> list[Goal]:
    """Return every target with its figure, in the order of the questions.

    Args:
        measured: The figures.
        before: An earlier record of ``Measured.to_record``, to compare with.
    """
    earlier = _earlier(before or {})
    return [
        Goal(
            dataset,
            label,
            measure,
            found,
            target.bound,
            target.is_least,
            found is not None and target.is_reached_by(found.value),
            earlier.get((dataset, label, measure)),
        )
        for dataset, label, measure, found, target in _asked(measured)
    ]


def _asked(measured: Measured) -> Iterator[tuple[str, str, str, Estimate | None, Target]]:
    for question, figures in zip(QUESTIONS, measured.labels, strict=True):
        for target in question.targets:
            found: Estimate | None = getattr(figures, target.measure)
            yield question.dataset, question.label, target.measure, found, target
    spread = Target("false_positive_rate", SPREAD_LIMIT, is_least=False)
    apart = measured.terms_apart.apart if measured.terms_apart else None
    yield TEMPLATES, TOXICITY, SPREAD, apart, spread
    for spans in measured.spans:
        if spans.type == "all":
            bound = Target("recall", SPAN_RECALL[spans.dataset])
            yield spans.dataset, _FOUND_BY[spans.dataset], SPAN_SHARE, spans.recall, bound
    few = Target("false_positive_rate", CLEAN_RATE, is_least=False)
    for clean in measured.clean:
        for name in _FOUND_BY.values():
            if name in clean.by_filter:
                yield clean.source, name, CLEAN_SHARE, clean.by_filter[name], few


def _earlier(record: Mapping[str, Any]) -> dict[tuple[str, str, str], float]:
    found = {
        (figures["dataset"], figures["label"], measure): value["value"]
        for figures in record.get("labels", ())
        for measure, value in figures.items()
        if isinstance(value, dict)
    }
    for spans in record.get("spans", ()):
        if spans["type"] == "all" and spans["recall"]:
            place = (spans["dataset"], _FOUND_BY[spans["dataset"]], SPAN_SHARE)
            found[place] = spans["recall"]["value"]
    for clean in record.get("clean", ()):
        for name, value in clean["by_filter"].items():
            if value:
                found[clean["source"], name, CLEAN_SHARE] = value["value"]
    if apart := record.get("terms_apart"):
        found[TEMPLATES, TOXICITY, SPREAD] = apart["apart"]["value"]
    return found
