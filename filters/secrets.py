"""Secrets: keys, tokens and passwords that a model may have memorised.

Three kinds of evidence. A PEM block or a published format (``AKIA...``, ``ghp_...``) is nearly
certain. A place made for a credential (a header, ``api_key = "..."``) counts when the value looks
random or mixed, so that placeholders and variable names do not. A word with a short prefix and a
long random rest (``acme_live_9fK...``) is how most issuers write the formats that nobody listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest

from filters.credentials import find_credentials
from filters.patterns import Hit, PatternFilter
from filters.punctuation import plain_punctuation
from filters.randomness import bits, is_filled_in, looks_random
from filters.token_formats import PUBLISHED

SECRETS_LABELS = ("private_key", "token", "password")

_CERTAIN = 1.0
_PROBABLE = 0.6
_PRIVATE_KEY = re.compile(
    r"-{4,5} ?(?P<edge>BEGIN|END) (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)? ?-{4,5}"
    r"|PuTTY-User-Key-File-\d: (?P<putty>\S+)"
)
_KEY_MATERIAL = re.compile(r"[A-Za-z0-9+/=]{6,}")
_LONGEST_HEADER = 2_000
_PREFIXED = re.compile(
    r"(?<![\w./=+%:@-])[A-Za-z]{2,12}(?:[_-](?:[a-z]{2,8}|v?\d))?(?:_|-(?=\w+[A-Z]))"
    r"(?P<rest>[A-Za-z0-9]{24,128})(?![\w./=+%@-])",
    re.ASCII,
)
_LEAST_PREFIXED_BITS = 3.6  # Random hexadecimal digits, 24 of them, have 3.6 on average.


def find_secrets(text: str) -> Iterator[Hit]:
    """Yield every secret once, most certain kinds first."""
    text = plain_punctuation(text)
    taken = bytearray(len(text))
    for found in (_private_keys(text), _published(text), find_credentials(text), _prefixed(text)):
        for hit in found:
            if not any(taken[hit.start : hit.end]):
                taken[hit.start : hit.end] = b"\x01" * (hit.end - hit.start)
                yield hit


def _private_keys(text: str) -> Iterator[Hit]:
    """Yield blocks from their BEGIN to their END, or to the end of a text that breaks off."""
    edges = list(_PRIVATE_KEY.finditer(text))
    for edge, following in zip_longest(edges, edges[1:]):
        if edge["edge"] == "END":
            continue
        body = text[edge.end() : following.start() if following else len(text)]
        if _KEY_MATERIAL.search(body[:_LONGEST_HEADER]):
            end = following.end() if following and following["edge"] == "END" else None
            yield Hit("private_key", _CERTAIN, edge.start(), end or edge.end() + len(body))


def _published(text: str) -> Iterator[Hit]:
    for match in PUBLISHED.finditer(text):
        if is_filled_in(match[0]):
            yield Hit("token", _CERTAIN, *match.span())


def _prefixed(text: str) -> Iterator[Hit]:
    for match in _PREFIXED.finditer(text):
        rest = match["rest"]
        if looks_random(rest) and bits(rest) >= _LEAST_PREFIXED_BITS:
            yield Hit("token", _PROBABLE, *match.span())


SECRETS = PatternFilter("secrets", "3", SECRETS_LABELS, find_secrets)
