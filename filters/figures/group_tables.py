"""Tables by group, kind, span and source."""

from __future__ import annotations

from collections.abc import Sequence

from filters.figures.cells import Table, interval, only_value
from filters.figures.groups import GroupFigures
from filters.figures.measured import Measured


def groups_table(title: str, groups: Sequence[GroupFigures], picture: str) -> Table:
    """Return what a label does to each group of texts."""
    rows = [
        (
            each.group,
            f"{each.positives} / {each.negatives}",
            interval(each.missed),
            interval(each.false_positive_rate),
        )
        for each in groups
    ]
    label = groups[0].label if groups else "nothing"
    columns = ("group", "positives / negatives", "missed", "false positives")
    return Table(title, f"By `{label}` at the policy's threshold.", columns, rows, (picture,))


def kinds_table(measured: Measured) -> Table:
    """Return how well each kind of misuse is found."""
    rows = [
        (
            each.kind,
            f"{each.positives} / {each.negatives}",
            *map(
                interval,
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


def spans_table(measured: Measured) -> Table:
    """Return how many secrets and personal data are found."""
    rows = [
        (
            each.dataset,
            each.type.replace("_", " ").lower(),
            str(each.spans),
            *map(interval, (each.recall, each.flagged)),
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


def clean_table(measured: Measured) -> Table:
    """Return what is flagged of harmless text."""
    names = [str(each["name"]) for each in measured.filters]
    rows = [
        (
            each.source,
            str(each.texts),
            interval(each.flagged),
            *(only_value(each.by_filter.get(name)) for name in names),
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
