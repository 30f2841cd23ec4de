"""The figures as tables, for a page and for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from filters.figures.groups import GroupFigures
from filters.figures.intervals import Estimate
from filters.figures.measured import Measured
from filters.figures.targets import Goal


@dataclass(frozen=True, slots=True)
class Table:
    """Cells under headings, and what they are.

    Attributes:
        title: What the table is about.
        note: One line under the title.
        pictures: Names of pictures that go with it, without their ending.
        columns: Headings.
        rows: As many cells as headings.
    """

    title: str
    note: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    pictures: tuple[str, ...] = ()


def tables(measured: Measured, reached: Sequence[Goal]) -> list[Table]:
    """Return all tables in the order in which one reads them."""
    return [
        _goals(reached),
        _labels(measured),
        _groups("HateCheck by functionality", measured.functionalities, "hatecheck-functionality"),
        _groups("HateCheck by group of people", measured.targets, "hatecheck-target"),
        _groups("Bias templates by identity term", measured.terms, "identity-terms"),
        _kinds(measured),
        _spans(measured),
        _clean(measured),
    ]


def _goals(reached: Sequence[Goal]) -> Table:
    compares = any(each.before is not None for each in reached)
    columns = ("data set", "label", "measure", "found (95 % interval)", "target", "reached")
    rows = [
        (
            each.dataset,
            each.label,
            each.measure.replace("_", " "),
            _interval(each.found),
            f"at {'least' if each.is_least else 'most'} {each.bound:g}",
            "yes" if each.is_reached else "no",
            *((_number(each.before),) if compares else ()),
        )
        for each in reached
    ]
    return Table(
        "Targets",
        f"{sum(each.is_reached for each in reached)} of {len(reached)} are reached.",
        (*columns, "before") if compares else columns,
        rows,
    )


def _labels(measured: Measured) -> Table:
    rows = [
        (
            each.dataset,
            each.label,
            f"{each.positives} / {each.negatives}",
            _interval(each.auc),
            _number(each.average_precision),
            _number(each.calibration_error),
            "" if each.threshold is None else f"{each.threshold:.2f}",
            *map(_interval, (each.recall, each.false_positive_rate, each.accuracy)),
            f"{_share(each.flagged_positives)} / {_share(each.flagged_negatives)}",
        )
        for each in measured.labels
    ]
    columns = (
        *("data set", "label", "positives / negatives", "AUC", "average precision"),
        *("calibration error", "threshold", "recall", "false positives", "accuracy"),
        "flagged by anything",
    )
    return Table(
        "Every data set",
        "Recall, false positives and accuracy are for the policy's threshold of that label; the "
        "last column is what the whole policy flags of the positives and of the negatives.",
        columns,
        rows,
        ("roc", "precision-recall", "calibration"),
    )


def _groups(title: str, groups: Sequence[GroupFigures], picture: str) -> Table:
    rows = [
        (
            each.group,
            f"{each.positives} / {each.negatives}",
            _interval(each.missed),
            _interval(each.false_positive_rate),
        )
        for each in groups
    ]
    label = groups[0].label if groups else "nothing"
    columns = ("group", "positives / negatives", "missed", "false positives")
    return Table(title, f"By `{label}` at the policy's threshold.", columns, rows, (picture,))


def _kinds(measured: Measured) -> Table:
    rows = [
        (
            each.kind,
            f"{each.positives} / {each.negatives}",
            *map(
                _interval,
                (each.auc, each.recall, each.recall_by_misuse, each.false_positive_rate),
            ),
        )
        for each in measured.kinds
    ]
    return Table(
        "Kinds of misuse",
        "Harmful prompts of each kind against harmless ones, over all sets of prompts.",
        ("kind", "harmful / harmless", "AUC", "recall", "recall by misuse", "false positives"),
        rows,
        ("misuse-kinds",),
    )


def _spans(measured: Measured) -> Table:
    rows = [
        (
            each.dataset,
            each.type.replace("_", " ").lower(),
            str(each.spans),
            *map(_interval, (each.recall, each.flagged)),
        )
        for each in measured.spans
    ]
    return Table(
        "Secrets and personal data",
        "Each one that a text holds is found when the filter sees something in its place; what "
        "is nobody's, an organisation's or a machine's the policy may only note.",
        ("data set", "type", "how many", "found", "flagged"),
        rows,
    )


def _clean(measured: Measured) -> Table:
    names = [str(each["name"]) for each in measured.filters]
    rows = [
        (
            each.source,
            str(each.texts),
            _interval(each.flagged),
            *(_share(each.by_filter.get(name)) for name in names),
            ", ".join(f"{label} {count}" for label, count in each.labels.items()),
        )
        for each in measured.clean
    ]
    return Table(
        "Harmless text",
        "Passages that neither trained a filter nor chose its thresholds: every flag is false.",
        ("source", "passages", "flagged by anything", *names, "labels"),
        rows,
    )


def _interval(found: Estimate | None) -> str:
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})" if found else ""


def _number(found: float | None) -> str:
    return "" if found is None else f"{found:.3f}"


def _share(found: Estimate | None) -> str:
    return f"{found.value:.3f}" if found else "-"
