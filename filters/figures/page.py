"""The page of figures, with its pictures and a record for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from filters.figures.cells import Table
from filters.figures.intervals import RESAMPLES
from filters.figures.measured import Measured
from filters.figures.tables import tables
from filters.figures.targets import Goal

PAGE, FOLDER, RECORD = "filters.md", "filters", "figures.json"
_ENDING = "svg"
_METHOD = f"""\
## How this is measured

Every text is screened once, with all filters and the policy, as an output would be; all figures come from those verdicts.
A label that a data set does not state is unknown, and such a text counts nowhere for that label.
A text that a filter could not score completely counts as 1.0 for its labels, since it is flagged.

Shares have Wilson's 95 % interval, areas under the ROC curve the percentiles of {RESAMPLES:,} stratified, seeded draws.
The difference between two identity terms has Newcombe's interval for these two; of fifty terms with some seventy texts each the outermost two differ by chance alone.
The calibration error is the mean distance between score and share of positives over ten bins of equal width; it speaks of the set's own mix of positives and negatives, not of what people will generate.
In the pictures a black line is a 95 % interval, and a bin with fewer than ten texts is left out.

The test sets are small and old, some are made from templates, and the thresholds are the policy's, not the best ones for a set.
No text of any set is on this page."""  # noqa: E501  one sentence per line, as in all our prose


def write_page(measured: Measured, reached: Sequence[Goal], folder: Path, *, command: str) -> None:
    """Write the page, its pictures and its record; the same figures give the same bytes.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    # Only writing needs matplotlib: measuring works where it is not installed.
    from filters.figures.bars import draw_bars  # noqa: PLC0415
    from filters.figures.curves import draw_curves  # noqa: PLC0415

    draw_curves(measured, folder / FOLDER, ending=_ENDING)
    draw_bars(measured, folder / FOLDER, ending=_ENDING)
    record = json.dumps(measured.to_record(), indent=1, sort_keys=True)
    (folder / FOLDER / RECORD).write_text(f"{record}\n", encoding="utf-8")
    text = "\n".join(page(measured, reached, command=command))
    (folder / PAGE).write_text(f"{text}\n", encoding="utf-8")


def page(measured: Measured, reached: Sequence[Goal], *, command: str) -> Iterator[str]:
    """Yield the lines of the page."""
    yield "# How good the filters are"
    yield ""
    yield f"Written by `{command}`, never by hand; the same figures for programs are in [{RECORD}]({FOLDER}/{RECORD})."  # noqa: E501
    if measured.limit:
        yield f"**A quick look: only the first {measured.limit} texts of each set.**"
    if measured.not_scored:
        said = ", ".join(f"{count} of {name}" for name, count in measured.not_scored.items())
        yield f"Not scored completely, and so flagged: {said}."
    yield ""
    yield f"Policy: `{measured.policy['name']}`, digest `{measured.policy['digest']}`."
    yield ""
    yield from _markdown(
        ("filter", "version", "weights digest"),
        [
            (each["name"], each["version"], f"`{each['weights_digest'] or '-'}`")
            for each in measured.filters
        ],
    )
    for table in tables(measured, reached):
        yield from _section(table)
    yield ""
    yield _METHOD
    yield ""
    yield "## Data"
    yield ""
    yield from _markdown(
        ("data set", "sha256 of its file"),
        [(name, f"`{digest}`") for name, digest in measured.digests.items()],
    )


def _section(table: Table) -> Iterator[str]:
    yield from ("", f"## {table.title}", "", table.note, "")
    yield from _markdown(table.columns, table.rows)
    for name in table.pictures:
        yield from ("", f"![{table.title}: {name}]({FOLDER}/{name}.{_ENDING})")


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
