"""Sketches: what is remembered of an output so that a near-copy of it is known again.

1. Names, numbers, links and addresses are the slots of a text; the other words are its shape.
2. The shape's runs of three words are hashed, and of each of 64 permutations of the hashes the
   least is kept. Two texts agree in about as many of the 64 as their shapes share runs.
3. Bands of four of these are keys of an index: texts that agree in one band are compared.
4. Of each slot 16 bits of a hash are kept, in order: enough to see that two texts differ there.

Source: A. Z. Broder, "On the resemblance and containment of documents", SEQUENCES 1997, for runs
of words and minima; J. Leskovec, A. Rajaraman and J. D. Ullman, "Mining of Massive Datasets", 3rd
edition 2020, section 3.4, for bands.

Sketches are stored, so whoever changes what ``sketch_of`` returns changes ``VERSION``: it is part
of every band, and sketches of two versions never meet.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from filters.contract import Sketch

VERSION = 1
LEAST_WORDS = 8
"""A text whose shape has fewer words has no sketch: short texts are alike by chance."""

_RUN = 3
_VALUES = 64
_BANDS = 8
_BAND_VALUES = 4
_SLOTS_KEPT = 32
_SLOT = ""
_TITLED = 0.6  # From this share of capitals on they say nothing: titles and shouting.

_WORD = re.compile(
    r"(?:https?://|www\.)\S+|[\w.+-]{1,64}@\S+"
    r"|[$\u20ac\u00a3]?\d[\w.,:/%-]*"
    r"|[\u3040-\u30ff\u3400-\u9fff]"  # Scripts without spaces: each character is a word.
    r"|[^\W\d_][\w\u0300-\u036f\u0900-\u0dff]*(?:['\u2019]\w+)?"
)
_PLACE = re.compile(r"https?:|www\.|.*[@\d]", re.DOTALL | re.IGNORECASE)
_GREETINGS = frozenset(("dear", "hello", "hey", "hi"))


def _constants(what: str) -> NDArray[np.uint64]:
    digest = hashlib.shake_256(what.encode()).digest(8 * _VALUES)
    return np.frombuffer(digest, dtype="<u8").astype(np.uint64)


_FACTORS = _constants("factors") | np.uint64(1)
_TERMS = _constants("terms")


def sketch_of(text: str) -> Sketch | None:
    """Return the sketch of a text, or nothing if the text is too short to have one."""
    shape, slots = _parts(text)
    if sum(word != _SLOT for word in shape) < LEAST_WORDS:
        return None
    runs = {" ".join(shape[place : place + _RUN]) for place in range(len(shape) - _RUN + 1)}
    hashes = np.array([_hash(run, 8) for run in sorted(runs)], dtype=np.uint64)
    least = np.full(_VALUES, np.iinfo(np.uint64).max, dtype=np.uint64)
    for part in np.array_split(hashes, len(hashes) // 4096 + 1):  # Keeps the table small.
        least = np.minimum(least, (part[:, None] * _FACTORS + _TERMS).min(axis=0))
    signature = struct.pack("<I", len(runs)) + (least >> np.uint64(32)).astype("<u4").tobytes()
    kept = b"".join(struct.pack("<H", _hash(slot, 2)) for slot in slots[:_SLOTS_KEPT])
    return Sketch(signature, kept)


def bands_of(sketch: Sketch) -> list[int]:
    """Return the keys under which a sketch is found: signed numbers of 64 bits."""
    width = 4 * _BAND_VALUES
    return [
        int.from_bytes(
            hashlib.blake2b(
                struct.pack("<HH", VERSION, band) + sketch.signature[4:][band * width :][:width],
                digest_size=8,
            ).digest(),
            "little",
            signed=True,
        )
        for band in range(_BANDS)
    ]


def resemblance(one: Sketch, other: Sketch) -> float:
    """Return about which share of the runs of two shapes both have; the error is 0.06 at most."""
    a, b = (np.frombuffer(each.signature, dtype="<u4", offset=4) for each in (one, other))
    return float((a == b).mean())


def contained(one: Sketch, other: Sketch) -> float:
    """Return the resemblance that two shapes would have if one were a part of the other."""
    small, large = sorted(struct.unpack_from("<I", each.signature)[0] for each in (one, other))
    return float(small / large)


def _parts(text: str) -> tuple[list[str], list[str]]:
    """Split a text into its shape, with one mark for neighbouring slots, and its slots."""
    words = _WORD.findall(text)
    is_cut = text.rstrip()[-1:].isalnum()  # At a limit of tokens, perhaps within its last word.
    if is_cut and words:
        words.pop()
    titled = sum(word[0].isupper() for word in words) >= _TITLED * len(words)
    shape: list[str] = []
    slots: list[str] = []
    for word, is_slot in zip(words, _slots(words, titled=titled), strict=True):
        if not is_slot:
            shape.append(word.casefold())
        elif shape and shape[-1] == _SLOT:
            slots[-1] += f" {word}"
        else:
            shape.append(_SLOT)
            slots.append(word)
    if slots and shape[-1] == _SLOT and is_cut:
        slots.pop()
    return shape, slots


def _slots(words: list[str], *, titled: bool) -> Iterator[bool]:
    greeted = False
    for word in words:
        capital = word[0].isupper() and not titled
        yield capital or greeted or bool(_PLACE.match(word))
        greeted = word.casefold() in _GREETINGS


def _hash(text: str, size: int) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()
    return int.from_bytes(digest, "little")
