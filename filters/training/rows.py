"""Read labelled texts; refuse the ones that are kept apart for judging."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from filters.jsonl import read_json_lines
from filters.misuse import MISUSE_LABELS
from filters.toxicity import TOXICITY_LABELS

if TYPE_CHECKING:
    from pathlib import Path

    from filters.training.recipe import Recipe

_OTHER = re.compile(r"[^a-z0-9]+")
_CLEAN_SETS = frozenset({"openstax_clean"})
_NAMED = frozenset(MISUSE_LABELS) - {"misuse"}
_SPAM_MAY_BE = frozenset({"phishing", "fraud", "misuse"})
_SELDOM_TOXIC = frozenset({"obscene", "insult"})
_LONGEST_JUDGED = 400
_NEVER_HATE = frozenset(
    {"spam", "phishing", "fraud", "cybercrime", "weapons", "illegal_goods", "disinformation"}
)


class HeldOutRow(ValueError):
    """A row of a training file is one of the rows that are kept apart for judging."""


@dataclass(frozen=True)
class Row:
    """One text with what is known about it.

    Attributes:
        text: The text.
        origin: Name of the data set.
        labels: Label to (0.0 to 1.0, weight of this knowledge from 0 to 1); others are unknown.
    """

    text: str
    origin: str
    labels: dict[str, tuple[float, float]]


def normalised(text: str) -> str:
    """Return the text as held-out ones are compared: lower case, letters a-z and digits only."""
    return _OTHER.sub(" ", text.lower()).strip()


def read_held_out(data: Path) -> frozenset[str]:
    """Return the sha256 of the normalised text of every held-out row."""
    with gzip.open(data / "heldout.sha256.gz", "rt", encoding="ascii") as lines:
        return frozenset(line.strip() for line in lines)


def read_judged(data: Path) -> list[str]:
    """Return the short texts of the test sets, so that made rows can keep away from them."""
    return [
        line["text"]
        for path in sorted((data / "test").glob("*/*.jsonl.gz"))
        for line in read_json_lines(path)
        if len(line["text"]) <= _LONGEST_JUDGED
    ]


def read_training_rows(data: Path, recipe: Recipe) -> list[Row]:
    """Return every usable row of ``data/train``, those of small sets several times.

    Rows marked ``near_test`` are left out.

    Raises:
        HeldOutRow: A row is held out; the file was not made for training.
    """
    held_out = read_held_out(data)
    rows: list[Row] = []
    for path in sorted((data / "train").glob("*/*.jsonl.gz")):
        offensive = 0
        for line in read_json_lines(path):
            if is_held_out(line["text"], held_out):
                raise HeldOutRow(f"{path.name} holds a row that is kept apart for judging")
            row = parse_row(line, recipe)
            if line.get("near_test") or not row.labels:
                continue
            if row.origin == "davidson" and line["labels"] == {"identity_attack": 0, "toxicity": 1}:
                offensive += 1
                if offensive > recipe.offensive_cap:
                    continue
            rows += [row] * recipe.repeats.get(row.origin, 1)
    return rows


def is_held_out(text: str, held_out: frozenset[str]) -> bool:
    """Return whether a text is one of those that are kept apart for judging."""
    return hashlib.sha256(normalised(text).encode()).hexdigest() in held_out


def parse_row(line: dict[str, Any], recipe: Recipe) -> Row:
    """Turn one object of a training file into a row of known labels and weights."""
    origin = str(line["origin"])
    sure = recipe.noisy_weight if line.get("noisy") or origin == "cyberbullying_mendeley" else 1.0
    weak = recipe.weak_weight
    likely = {
        label: (value * recipe.weak_positive, weak)
        for label, value in line.get("weak_labels", {}).items()
    }
    stated = {
        label: (_softened(float(value), label, line), sure)
        for label, value in line["labels"].items()
    }
    known = likely | stated
    if origin in _CLEAN_SETS:
        known |= dict.fromkeys(MISUSE_LABELS, (0.0, 1.0))
    else:
        known = dict.fromkeys(_seldom(line), (0.0, weak)) | known
    wanted = {*TOXICITY_LABELS, *MISUSE_LABELS}
    return Row(
        str(line["text"]),
        origin,
        {label: value for label, value in known.items() if label in wanted},
    )


def _softened(value: float, label: str, line: dict[str, Any]) -> float:
    """Return a label as sure as the people were who gave it."""
    if label not in {"toxicity", "identity_attack"}:
        return value
    if "score" in line and line["origin"] == "toxigen_annotated":
        return (float(line["score"]) - 1) / 4
    agreement = float(line.get("agreement", 1.0))
    return 0.5 + (agreement if value > 0 else -agreement) / 2


def _seldom(line: dict[str, Any]) -> frozenset[str]:
    """Return labels that a text with these labels hardly ever has.

    The sets name what a text is and are silent on the rest; taken at their word, every
    category would learn to mean "harmful".
    """
    labels: dict[str, float] = line["labels"]
    true = {label for label, value in labels.items() if value > 0}
    if true & _NAMED == {"spam"}:
        return _NAMED - _SPAM_MAY_BE | _SELDOM_TOXIC
    if true & _NAMED:
        return _NAMED | _SELDOM_TOXIC
    if true & frozenset(TOXICITY_LABELS):
        return _NEVER_HATE
    if true:
        return frozenset()
    if "misuse" in labels:
        return frozenset(TOXICITY_LABELS)
    return frozenset(MISUSE_LABELS)


def is_held_back(row: Row, recipe: Recipe) -> bool:
    """Return whether the row is kept for choosing thresholds: decided by its text alone."""
    return hashlib.sha256(normalised(row.text).encode()).digest()[0] < recipe.held_back
