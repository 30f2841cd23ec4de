"""A text with every run of white space as one character, and the way back to its places."""

from __future__ import annotations


def squeezed(text: str) -> tuple[str, list[int]]:
    """Return the text without all but the first of each run of white space.

    Returns:
        The shorter text, and for each of its characters the place in ``text``.
    """
    places = [
        place
        for place, character in enumerate(text)
        if not (character.isspace() and place and text[place - 1].isspace())
    ]
    return "".join(" " if text[place].isspace() else text[place] for place in places), places
