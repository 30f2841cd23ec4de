"""Dashes, spaces and stops of every kind, read as the plain ones that patterns are written with."""

from __future__ import annotations

_PLAIN = (
    dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"), "-")
    | dict.fromkeys(
        map(ord, "\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f"), " "
    )
    | dict.fromkeys(map(ord, "\u3002\uff0e\uff61"), ".")
    | dict.fromkeys(map(ord, "\u2018\u2019\u201a\u201b"), "'")
    | dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f"), '"')
    | {ord("\uff20"): "@", ord("\uff1a"): ":"}
)


def plain_punctuation(text: str) -> str:
    """Return the text with plain punctuation; every character stays where it is."""
    return text if text.isascii() else text.translate(_PLAIN)
