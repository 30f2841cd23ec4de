"""What every benchmark's command line has in common."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser with ``--json``; its help is the first line of the benchmark's docstring."""
    made = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    made.add_argument("--json", action="store_true", help="print one JSON object")
    return made


def show(figures: dict[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    """Print the figures for programs, or the lines for people."""
    print(json.dumps(figures) if as_json else "\n".join(lines))


def rows(figures: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Yield a line for each name with its numbers."""
    for name, each in figures.items():
        yield f"{name:<12}" + ", ".join(f"{key} {value:.4g}" for key, value in each.items())
