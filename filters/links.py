"""Links: addresses with the marks of phishing and malware, without asking the network.

Every mark has a weight; marks add up as independent evidence. Nothing is looked up: a filter that
called home would tell others what is being generated. Links that show one host and go to another
count most.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from filters.domains import has_known_ending, registered_name
from filters.link_marks import marks_of
from filters.patterns import Hit, PatternFilter
from filters.punctuation import plain_punctuation

LINKS_LABELS = ("suspicious",)

_MISLEADING = 0.8
_CODE = 0.9
_UNREADABLE = 0.6
_DISARMED = 0.3
_LINK = re.compile(
    r"(?i)(?:\b(?:https?|hxxps?|ftp)(?:://|\[:\]//)|(?<![\w@./-])www\.)"
    r"(?:(?!\]\()[^\s<>\"'`{}|\\^]){3,2000}"
    r"|\b(?:javascript:[^\s]{3,200}|data:text/html[^\s]{3,200})"
)
_SHOWN = re.compile(
    r"(?i)\[(?P<text>[^\[\]\n]{4,200})\]\(<?(?P<to>https?://[^\s()<>]{3,2000})"
    r"|<a\s[^<>]{0,200}?href=[\"']?(?P<href>https?://[^\s\"'<>]{3,2000})[\"']?[^<>]{0,200}>"
    r"(?P<words>[^<>]{4,200})</a>"
)
_HOST = re.compile(
    r"(?i)\s*(?:https?://)?(?P<host>(?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,24})(?:[/?#:]\S*)?\s*"
)
_TRAILING = ".,;:!?)]'\"*_"


def find_links(text: str) -> Iterator[Hit]:
    """Yield every link that has at least one mark."""
    text = plain_punctuation(text)
    misled = {}
    for match in _SHOWN.finditer(text):
        inner = "to" if match["to"] else "href"
        if _misleads(match["text"] or match["words"], match[inner]):
            misled[match.start(inner)] = match.span()
    for match in _LINK.finditer(text):
        address = match[0].rstrip(_TRAILING)
        score = suspicion(address)
        if match.start() in misled:
            yield Hit("suspicious", max(score, _MISLEADING), *misled[match.start()])
        elif score > 0:
            yield Hit("suspicious", score, match.start(), match.start() + len(address))


def suspicion(address: str) -> float:
    """Return how suspicious an address looks, from 0.0 to 1.0."""
    if re.match(r"(?i)javascript:|data:", address):
        return _CODE
    plain = re.sub(r"(?i)^hxxp", "http", address).replace("[.]", ".").replace("[:]", ":")
    if plain.lower().startswith("www."):
        plain = f"http://{plain}"
    try:
        parts = urlsplit(plain)
        port = parts.port
    except ValueError:
        return _UNREADABLE  # An address that does not parse was not written to be read by people.
    marks = [*marks_of(parts, port)]
    if address.lower().startswith("hxxp"):
        marks.append(_DISARMED)
    return round(1 - math.prod(1 - mark for mark in marks), 3)


def _misleads(shown: str, address: str) -> bool:
    """Return whether a link shows the name of one host and goes to another's."""
    claimed = _HOST.fullmatch(shown)
    if not claimed or not has_known_ending(claimed["host"]):
        return False
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return True
    return registered_name(host) != registered_name(claimed["host"])


LINKS = PatternFilter("links", "3", LINKS_LABELS, find_links)
