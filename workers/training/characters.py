"""A table of character counts that predicts text: the baseline of the measurements.

Source: Chen and Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling",
Computer Speech and Language 13, 1999: interpolated Kneser-Ney, section 3 (one discount for
each length of context, n1 / (n1 + 2 n2)).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]

# Closes every document, so that its end is predicted too; it is never part of a text.
_END = "\x00"

# What was never seen falls back to any one of the code points of Unicode, all alike.
_CODE_POINTS = 0x110000

# Six places of ten bits fit the 63 bits of a key.
_PLACE_BITS = 10


@dataclass(frozen=True)
class _Table:
    """Counts of strings of one length, and what they say about their contexts.

    Attributes:
        strings: Sorted keys of the strings.
        counts: How often each occurs, or, below the longest, after how many characters.
        contexts: Sorted keys of the strings without their last character.
        totals: The sum of ``counts`` by context.
        kinds: How many characters were seen after each context.
        discount: What every count gives up for the shorter context to share out.
    """

    strings: Counts
    counts: Counts
    contexts: Counts
    totals: Counts
    kinds: Counts
    discount: float


class CharacterModel:
    """Predicts each character from the ``order`` characters before it.

    Args:
        documents: What is counted. Characters are told apart up to a number of 1022 kinds.
        order: Characters of context, up to 5.

    Raises:
        ValueError: The order or the number of kinds of characters is too large.
    """

    def __init__(self, documents: Iterable[str], *, order: int) -> None:
        text = _join(documents, order)
        self._order = order
        self._kinds, places = np.unique(_code_points(text), return_inverse=True)
        if (order + 1) * _PLACE_BITS > 62 or len(self._kinds) > (1 << _PLACE_BITS) - 2:  # noqa: PLR2004
            raise ValueError("a key of 62 bits holds 6 characters of at most 1022 kinds")
        longest, counts = np.unique(
            _keys(places.astype(np.int64) + 1, order)[order:], return_counts=True
        )
        self._tables = [_table(longest, counts)]
        for length in range(order, 0, -1):
            # A string counts once for each character seen before it.
            shorter = np.unique(self._tables[0].strings & _mask(length), return_counts=True)
            self._tables.insert(0, _table(*shorter))

    def bits(self, documents: Sequence[str]) -> float:
        """Return the bits needed for the documents and the end of each."""
        return float(-np.log2(self.chances(documents)).sum())

    def chances(self, documents: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return the chance of each character after those before it, ends included."""
        code_points = _code_points(_join(documents, self._order))
        places = np.searchsorted(self._kinds, code_points).clip(max=len(self._kinds) - 1)
        is_known = self._kinds[places] == code_points
        keys = _keys(np.where(is_known, places + 1, 0), self._order)[self._order :]
        chances = np.full(len(keys), 1.0 / _CODE_POINTS)
        for length, table in enumerate(self._tables, start=1):
            chances = _interpolate(table, keys & _mask(length), below=chances)
        return chances


def _join(documents: Iterable[str], order: int) -> str:
    # The first character of the first document has a past of ends, like all the others.
    return _END * order + "".join(document + _END for document in documents)


def _code_points(text: str) -> Counts:
    return np.frombuffer(text.encode("utf-32-le"), dtype="<u4").astype(np.int64)


def _keys(places: Counts, order: int) -> Counts:
    """Return, at each character, the key of the string of ``order + 1`` that ends there."""
    keys = places.copy()
    for back in range(1, order + 1):
        keys[back:] |= places[:-back] << (_PLACE_BITS * back)
    return keys


def _mask(length: int) -> int:
    return (1 << (_PLACE_BITS * length)) - 1


def _table(strings: Counts, counts: Counts) -> _Table:
    contexts, first = np.unique(strings >> _PLACE_BITS, return_index=True)
    once, twice = np.count_nonzero(counts == 1), np.count_nonzero(counts == 2)  # noqa: PLR2004
    return _Table(
        strings=strings,
        counts=counts,
        contexts=contexts,
        totals=np.add.reduceat(counts, first),
        kinds=np.diff(first, append=len(strings)),
        # A corpus too small to have both kinds of rare strings gets the middle.
        discount=once / (once + 2 * twice) if once and twice else 0.5,
    )


def _interpolate(
    table: _Table, keys: Counts, *, below: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return each key's chance after its context, given the chance after a shorter one."""
    counts = _look_up(table.strings, table.counts, keys)
    totals = _look_up(table.contexts, table.totals, keys >> _PLACE_BITS)
    kinds = _look_up(table.contexts, table.kinds, keys >> _PLACE_BITS)
    seen = np.maximum(counts - table.discount, 0.0)
    shared = table.discount * kinds * below
    return np.where(totals > 0, (seen + shared) / np.maximum(totals, 1), below)


def _look_up(keys: Counts, values: Counts, wanted: Counts) -> Counts:
    places = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[places] == wanted, values[places], 0)
