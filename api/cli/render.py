"""What commands print: JSON for programs, tables for people, and text that is safe to show.

Invariant: text that somebody else wrote reaches the terminal through ``plain``, so that it
cannot move the cursor, change colours or pretend to be what it is not.
"""

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, last.")

_KEPT = frozenset("\n\t")
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)  # These change the direction of writing, and so what a line seems to say.
_WIDE = 10_000


def print_json(value: Any) -> None:
    """Print one line of JSON; whatever is not ASCII is escaped, control characters too."""
    click.echo(json.dumps(value, default=str))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print a table, or the sentence ``empty`` if it has no rows.

    Columns are never cut off where the table goes to a file or a pipe.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(_cell(value))) for value in row))
    if table.row_count:
        _stdout().print(table)
    else:
        click.echo(empty)


def print_facts(facts: Mapping[str, object]) -> None:
    """Print names and values below one another."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), Text(plain(_cell(value))))
    _stdout().print(table)


def plain(text: str) -> str:
    """Return the text with control characters and changes of direction written as escapes."""
    return "".join(_escaped(character) for character in text)


def size(count: int) -> str:
    """Return a number of bytes as people read it."""
    number, units = float(count), iter(("kB", "MB", "GB", "TB"))
    unit = "bytes"
    while number >= 1000 and (larger := next(units, None)):  # noqa: PLR2004 (SI units)
        number, unit = number / 1000, larger
    return f"{count} bytes" if unit == "bytes" else f"{number:.1f} {unit}"


def _stdout() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDE)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    return str(value)


def _escaped(character: str) -> str:
    if character in _KEPT:
        return character
    if character in _TURNS or unicodedata.category(character) in _UNSAFE_CATEGORIES:
        return character.encode("unicode_escape").decode()
    return character
