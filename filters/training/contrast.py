"""Rows made from forms: texts that differ in what matters and in little else.

A small encoder learns that the name of a group, or the word "attack", means harm, because in
labelled data it nearly always does. The forms of ``contrast.toml`` say otherwise: each attack
stands beside its denial, its quotation and its harmless twin.

Source of the idea: Gardner et al., "Evaluating Models' Local Decision Boundaries via Contrast
Sets", Findings of EMNLP 2020; Röttger et al., "HateCheck", ACL 2021, section 2.
"""

from __future__ import annotations

import random
import re
import tomllib
from importlib import resources
from typing import TYPE_CHECKING

from filters.training.recipe import LABELS, Recipe
from filters.training.rows import Row, is_held_out, parse_row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ORIGIN = "contrast"
_SLOT = re.compile(r"\{(\w+)\}")
_WORD = re.compile(r"[a-z0-9]+")
_TRIES = 4
NEAR = 0.7
"""Share of common words from which a made text counts as one that the tests judge by."""


def contrast_rows(recipe: Recipe, *, held_out: frozenset[str], judged: Sequence[str]) -> list[Row]:
    """Return up to ``recipe.contrast`` different rows for each text of each form.

    Args:
        recipe: The training run.
        held_out: sha256 of normalised texts that nothing may be trained on.
        judged: Texts of the test sets; what comes near one of them is left out.
    """
    document = tomllib.loads(
        (resources.files("filters") / "training" / "contrast.toml").read_text(encoding="utf-8")
    )
    dice = random.Random(recipe.seed)  # noqa: S311  a choice of fillings, not a secret
    near = _Nearness(judged)
    rows: list[Row] = []
    for form in document["form"]:
        labels = dict.fromkeys(LABELS, 0.0) if form.get("harmless") else form["labels"]
        for pattern in form["texts"]:
            made = {
                _filled(pattern, document["slots"], dice) for _ in range(recipe.contrast * _TRIES)
            }
            kept = [
                text for text in sorted(made) if not is_held_out(text, held_out) and not near(text)
            ]
            dice.shuffle(kept)
            rows += [
                parse_row({"text": text, "labels": labels, "origin": ORIGIN}, recipe)
                for text in kept[: recipe.contrast]
            ]
    return rows


def _filled(pattern: str, slots: Mapping[str, list[str]], dice: random.Random) -> str:
    """Fill every slot; a filling may have slots of its own."""
    while _SLOT.search(pattern):
        pattern = _SLOT.sub(lambda match: dice.choice(slots[match[1]]), pattern)
    return pattern[:1].upper() + pattern[1:]


class _Nearness:
    """Whether a text shares most of its words with one of many others."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._words = [frozenset(_WORD.findall(text.lower())) for text in texts]
        self._with: dict[str, list[int]] = {}
        for number, words in enumerate(self._words):
            for word in words:
                self._with.setdefault(word, []).append(number)

    def __call__(self, text: str) -> bool:
        words = frozenset(_WORD.findall(text.lower()))
        # Two texts that share 0.7 of their words share at least one of any 0.3 + 1 of them.
        rare = sorted(words, key=lambda word: len(self._with.get(word, ())))
        some = rare[: int(len(rare) * (1 - NEAR)) + 1]
        others = {number for word in some for number in self._with.get(word, ())}
        return any(
            len(words & self._words[number]) >= NEAR * len(words | self._words[number])
            for number in others
        )
