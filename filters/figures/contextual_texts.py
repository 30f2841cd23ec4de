"""The texts that repetition, echo and campaign are judged on: made from real texts.

What a filter should find is made by looping, copying or personalising a text; the same texts as
they are, and what a model really generated, are what it should leave alone.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from filters.contract import Sample
from filters.jsonl import read_json_lines

COPIES = 5

_NAMES = ("Anna", "Bob", "Carla", "Dmitri", "Elena", "Farid", "Grace", "Hiro", "Ines", "Jonas")
_SURNAMES = ("Smith", "Okafor", "Müller", "Ivanova", "Rossi", "Tanaka", "Garcia", "Novak")
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_NUMBER = re.compile(r"\d[\d,.]*")
_UNITS = (1, 2, 3, 5, 8, 13)
_LOOP_CHARACTERS = (300, 600, 1_200)
_INTRODUCTIONS = (0, 100, 400)


@dataclass(frozen=True, slots=True)
class Generated:
    """A text that a model really generated.

    Attributes:
        prompt: What it was generated from.
        temperature: How it was sampled.
        text: The text.
    """

    prompt: str
    temperature: float
    text: str


def generated_texts(path: Path) -> list[Generated]:
    """Read JSON Lines with ``prompt``, ``temperature`` and ``text``."""
    return [
        Generated(row["prompt"], float(row["temperature"]), row["text"])
        for row in read_json_lines(path)
    ]


def loops(texts: Sequence[str], count: int) -> Iterator[str]:
    """Yield texts that end in a loop of 1 to 13 of their words, at least four times."""
    chance = random.Random(3)  # noqa: S311  no secret depends on it
    for text in texts[:count]:
        words = text.split()
        size = min(chance.choice(_UNITS), len(words))
        first = chance.randrange(len(words) - size + 1)
        unit = " ".join(words[first : first + size]) + " "
        times = max(4, chance.choice(_LOOP_CHARACTERS) // len(unit))
        yield f"{text[: chance.choice(_INTRODUCTIONS)]} {unit * times}"


def echoes(texts: Sequence[str], count: int) -> Iterator[Sample]:
    """Yield texts that give at least most of their prompt back, and say little else."""
    chance = random.Random(5)  # noqa: S311
    for text in texts[:count]:
        copied = text[: int(len(text) * chance.uniform(0.7, 1.0))]
        yield Sample(f"{chance.choice(('', 'Sure! ', 'Question: '))}{copied}", text)


def continuations(texts: Sequence[str]) -> Iterator[Sample]:
    """Yield the second half of each text, with the first half as its prompt."""
    for text in texts:
        middle = len(text) // 2
        yield Sample(text[middle:], text[:middle])


def campaign(text: str, chance: random.Random, *, capitals: bool) -> list[str]:
    """Return copies of a text, each with another name, other numbers and other links."""
    return [_personal(text, chance, capitals=capitals) for _ in range(COPIES)]


def _personal(text: str, chance: random.Random, *, capitals: bool) -> str:
    first = chance.choice(_NAMES)
    name = f"{first} {chance.choice(_SURNAMES)}"
    if not capitals:
        first, name = first.lower(), name.lower()
    linked = _LINK.sub(lambda _: f"http://www{chance.randrange(999)}.example.com/x", text)
    numbered = _NUMBER.sub(lambda _: str(chance.randrange(10, 99_999)), linked)
    return f"Dear {name}, {numbered} Only for you, {first}."
