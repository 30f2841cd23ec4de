"""The folded form of a text: what a person reads where a program is meant to read something else.

Zero-width characters inside words, letters of other scripts that look like Latin ones, full-width
digits, marks stacked on letters, letters s p a c e d out: each hides a word from a filter and not
from a reader. Filters score the text as it is and its folded form, and the worse score counts.

Invariant: each character of the folded form knows the character of the text that it came from.

Source: Unicode Technical Standard 39, "Unicode Security Mechanisms", section 4 (confusables, whose
table the package confusable-homoglyphs carries); Unicode Standard Annex 15 (form NFKC); Boucher et
al., "Bad Characters: Imperceptible NLP Attacks", IEEE S&P 2022, section 3.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from confusable_homoglyphs.confusables import confusables_data

_PLAIN = re.compile(r"[\t\n\r\x20-\x7e]*")
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W_](?:[ .*_-]|\u00b7)){3,}[^\W_](?![^\W_])")
_WORD = re.compile(r"[^\W_]+")
_INVISIBLE = frozenset({"Cf", "Cc"})
_MARKS = frozenset({"Mn", "Me"})
_WHITE = frozenset("\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85")
_MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class Folded:
    """A text in its folded form.

    Attributes:
        text: The folded form.
        places: For each of its characters, the index of the character that it stands for.
        length: Length of the original in code points.
    """

    text: str
    places: tuple[int, ...]
    length: int

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the original that a span of the folded form stands for."""
        if start >= end:
            place = self.places[start] if start < len(self.places) else self.length
            return place, place
        return self.places[start], self.places[end - 1] + 1


def fold(text: str) -> Folded | None:
    """Return the folded form of a text, or nothing where that is the text itself."""
    if _PLAIN.fullmatch(text) and not _SPACED.search(text):
        return None
    seen = list(_visible(text))
    shown = "".join(character for character, _ in seen)
    places = [place for _, place in seen]
    latin = _latin(shown)
    gaps = _gaps(latin)
    joined = [index for index in range(len(latin)) if index not in gaps]
    folded = "".join(latin[index] for index in joined)
    if folded == text:
        return None
    return Folded(folded, tuple(places[index] for index in joined), len(text))


def _visible(text: str) -> Iterator[tuple[str, int]]:
    """Yield the characters that can be seen, with their places; Latin ones in their plainest form.

    Marks of other scripts stay: there they make other letters, in Latin text they only decorate.
    """
    last = ""
    for place, character in enumerate(text):
        if character.isascii() and character.isprintable():
            shown = character
        elif character in _WHITE:
            shown = character if character in "\t\n\r" else "\n"
        else:
            kind = unicodedata.category(character)
            dropped = kind in _INVISIBLE or (kind in _MARKS and last.isascii())
            shown = "" if dropped else _plainest(character)
        for each in shown:
            last = each
            yield each, place


@cache
def _plainest(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character)
    return "".join(filter(str.isascii, plain)) if plain[:1].isascii() else character


def _latin(text: str) -> str:
    """Return the text with words of look-alike letters in Latin ones; no other word changes."""
    letters = [character for character in text if character.isalpha()]
    mostly = sum(character.isascii() for character in letters) > _MOSTLY * len(letters)

    def read(match: re.Match[str]) -> str:
        word = match[0]
        if word.isascii():
            return word
        alike = "".join(_look_alikes().get(character, character) for character in word)
        mixed = mostly or any(character.isascii() and character.isalpha() for character in word)
        return alike if alike.isascii() and mixed else word

    return _WORD.sub(read, text)


def _gaps(text: str) -> frozenset[int]:
    """Return the places between letters that stand alone, four or more in a row."""
    return frozenset(
        index
        for match in _SPACED.finditer(text)
        for index in range(match.start() + 1, match.end(), 2)
    )


@cache
def _look_alikes() -> dict[str, str]:
    """Return for each character that looks like an ASCII letter or digit which one it looks like.

    A small letter whose capital looks like a Latin capital counts as that letter's small form.
    """
    found: dict[str, str] = {}
    for character, others in confusables_data.items():
        alike = [other["c"] for other in others if other["c"].isascii() and other["c"].isalnum()]
        if len(character) == 1 and not character.isascii() and alike and len(alike[0]) == 1:
            found[character] = alike[0]
    for character in tuple(found):
        small = character.lower()
        if len(small) == 1 and small not in found and found[character].isupper():
            found[small] = found[character].lower()
    return found
