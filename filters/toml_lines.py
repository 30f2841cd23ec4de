"""In which line of a TOML text a key is.

``tomllib`` tells where a text stops being TOML, but not where a key is whose value is wrong.
It is asked all the same, so that there is no second idea of what TOML is: a text that is cut
after a whole statement is TOML too, and the first cut that has the key ends with its statement.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

Path = tuple[str, ...]

_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_KEY_OF_STATEMENT = re.compile(r"\s*([^=\[\]{}#]+?)\s*=")
_PROBE = "corral-probe"


def line_of(source: str, path: Path) -> int:
    """Return the line in which ``path`` is given; of a missing key, where its table begins.

    Args:
        source: Text that ``tomllib`` reads.
        path: Names of tables and, last, of the key.
    """
    cuts = list(_cuts(source))
    for length in range(len(path), 0, -1):
        for began, _, document in cuts:
            if _has(document, path[:length]):
                return began
    return 1


def place_of_error(source: str, message: str) -> tuple[int, Path]:
    """Return line and key of the statement at which ``tomllib`` gave up.

    Args:
        source: Text that ``tomllib`` does not read.
        message: What it says about that.
    """
    lines = _lines(source)
    whole = max((ended for _, ended, _ in _cuts(source)), default=0)
    table = _open_table(lines[:whole])
    named = _AT_LINE.search(message)
    line = int(named[1]) if named else min(whole + 1, len(lines))
    key = _KEY_OF_STATEMENT.match(lines[min(whole, len(lines) - 1)])
    return line, (*table, key[1]) if key else table


def written(path: Path) -> str:
    """Return a path as TOML writes it."""
    return ".".join(name if _BARE.fullmatch(name) else f'"{name}"' for name in path)


def _lines(source: str) -> list[str]:
    return source.replace("\r\n", "\n").split("\n")


def _cuts(source: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Yield, for each statement, its first line, its last line and the text up to there, read."""
    lines = _lines(source)
    began = 1
    for ended in range(1, len(lines) + 1):
        try:
            document = tomllib.loads("\n".join(lines[:ended]))
        except (ValueError, RecursionError):
            continue
        yield began, ended, document
        began = ended + 1


def _open_table(lines: list[str]) -> Path:
    """Return the table in which a next statement would be."""
    place: Any = tomllib.loads("\n".join([*lines, f"{_PROBE} = 0"]))
    path: Path = ()
    while _PROBE not in place:
        name, place = next((name, last) for name, last in _tables(place) if _holds_probe(last))
        path = (*path, name)
    return path


def _tables(table: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the tables in a table; of an array of tables, the last one."""
    for name, value in table.items():
        last = value[-1] if isinstance(value, list) and value else value
        if isinstance(last, dict):
            yield name, last


def _holds_probe(table: dict[str, Any]) -> bool:
    return _PROBE in table or any(_holds_probe(each) for _, each in _tables(table))


def _has(document: Any, path: Path) -> bool:
    for name in path:
        if not isinstance(document, dict) or name not in document:
            return False
        document = document[name]
    return True
