"""Harmless prose: stories, plays and textbooks, cut into passages.

The gate reads generated text, and most generated text is harmless prose that no labelled data set
looks like. The first part of each file is for training; the rest is never trained on and serves to
choose thresholds (its even passages) and to check them (its odd passages).
"""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

from filters.training.recipe import LABELS
from filters.training.rows import Row

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = ("openstax", "shakespeare", "tinystories")
_TRAINED_SHARE = 0.6
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_TRAINED_PASSAGES = 6_000
_SHORTEST = 15


def passages(data: Path, source: str) -> list[str]:
    """Return the passages of a file of ``data/text`` in order, each of one to six sentences."""
    with gzip.open(data / "text" / f"{source}.txt.gz", "rt", encoding="utf-8") as file:
        text = file.read()
    found: list[str] = []
    for part in re.split(r"<\|endoftext\|>|\n\n+|\n#.*", text):
        sentences = [one.strip() for one in _SENTENCE_END.split(part) if one.strip()]
        while sentences:
            length = 1 + len(found) % 6
            found.append(" ".join(sentences[:length]))
            sentences = sentences[length:]
    return [
        passage for passage in found if len(passage) > _SHORTEST and not passage.startswith("#")
    ]


def training_prose(data: Path) -> list[Row]:
    """Return harmless rows: every label is known to be 0."""
    known = dict.fromkeys(LABELS, (0.0, 1.0))
    rows: list[Row] = []
    for source in SOURCES:
        found = passages(data, source)
        kept = found[: int(len(found) * _TRAINED_SHARE)]
        step = max(1, len(kept) // _TRAINED_PASSAGES)
        rows += [Row(passage, source, known) for passage in kept[::step]]
    return rows


def held_back_prose(data: Path, *, check: bool) -> dict[str, list[str]]:
    """Return passages that were not trained on, by source, to check or to choose thresholds."""
    held: dict[str, list[str]] = {}
    for source in SOURCES:
        found = passages(data, source)
        held[source] = found[int(len(found) * _TRAINED_SHARE) :][int(check) :: 2]
    return held
