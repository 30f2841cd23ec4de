"""Overlapping windows: how a classifier with a short memory looks at a whole text.

Invariant: the spans of a text's windows cover it from the first character to the last. Nothing is
cut off, because what is cut off is where the harm goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """One part of a text.

    Attributes:
        first: Index of its first token.
        last: One past the index of its last token.
        start: First character, in code points.
        end: One past its last character.
    """

    first: int
    last: int
    start: int
    end: int


def windows(
    offsets: Sequence[tuple[int, int]], *, characters: int, size: int, overlap: int
) -> list[Window]:
    """Return windows of at most ``size`` tokens on token borders; neighbours overlap.

    The last window is moved back so that it is full: the end of a text is read in context.
    A text without tokens (blank, or control characters only) has one window without tokens.

    Args:
        offsets: Start and end of each token in the text, in order, in code points.
        characters: Length of the text.
        size: Tokens in a window.
        overlap: Tokens that a window shares with the one before it, fewer than ``size``.

    Raises:
        ValueError: ``overlap`` is not in ``[0, size)``.
    """
    if not 0 <= overlap < size:
        raise ValueError(f"overlap must be at least 0 and less than {size}, not {overlap}")
    count = len(offsets)
    if count <= size:
        return [Window(0, count, 0, characters)]
    starts = [*range(0, count - size, size - overlap), count - size]
    return [
        Window(
            first,
            first + size,
            # A window reaches to the next token, so that the spaces between belong to one.
            offsets[first][0] if first else 0,
            offsets[first + size][0] if first + size < count else characters,
        )
        for first in starts
    ]
