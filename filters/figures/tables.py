"""All figures as tables, for a page and for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from filters.figures.cells import Table, interval, number, only_value
from filters.figures.group_tables import clean_table, groups_table, kinds_table, spans_table
from filters.figures.measured import Measured
from filters.figures.targets import Goal


def tables(measured: Measured, reached: Sequence[Goal]) -> list[Table]:
    """Return all tables in the order in which one reads them."""
    return [
        _goals(reached),
        _labels(measured),
        groups_table(
            "HateCheck by functionality", measured.functionalities, "hatecheck-functionality"
        ),
        groups_table("HateCheck by group of people", measured.targets, "hatecheck-target"),
        groups_table("Bias templates by identity term", measured.terms, "identity-terms"),
        kinds_table(measured),
        spans_table(measured),
        clean_table(measured),
    ]


def _goals(reached: Sequence[Goal]) -> Table:
    compares = any(each.before is not None for each in reached)
    columns = ("data set", "label", "measure", "found (95 % interval)", "target", "reached")
    rows = [
        (
            each.dataset,
            each.label,
            each.measure.replace("_", " "),
            interval(each.found),
            f"at {'least' if each.is_least else 'most'} {each.bound:g}",
            "yes" if each.is_reached else "no",
            *((number(each.before),) if compares else ()),
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
            interval(each.auc),
            number(each.average_precision),
            number(each.calibration_error),
            "" if each.threshold is None else f"{each.threshold:.2f}",
            *map(interval, (each.recall, each.false_positive_rate, each.accuracy)),
            f"{only_value(each.flagged_positives)} / {only_value(each.flagged_negatives)}",
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
