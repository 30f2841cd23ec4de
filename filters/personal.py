"""Personal data: e-mail addresses, telephone, card, account and national numbers of people.

An output that has one may be a memorised person's. Names, postal addresses and dates are not
claimed: patterns cannot tell them from the world's other names, places and days.

Addresses and numbers that are nobody's (``example.com``, 555-0100, the card of the manuals) have a
label of their own, ``sample``; addresses of a role (``info@``) and numbers that are free of charge
are an ``organisation``'s.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from filters.domains import has_known_ending, is_stand_in
from filters.identity_numbers import find_identity_numbers
from filters.patterns import Hit, PatternFilter
from filters.phones import find_phones
from filters.punctuation import plain_punctuation

PERSONAL_LABELS = (
    "email",
    "phone",
    "card",
    "iban",
    "national_number",
    "ip_address",
    "organisation",
    "sample",
)

_CERTAIN = 1.0
_DISGUISED = 0.8
_LONGEST_LOCAL = 64

_AT = re.compile(
    r"(?:@|\s?[\[({]\s?at\s?[\])}]\s?|\sat\s(?=[\w-]{1,63}(?:\.[\w-]{1,63})?\sdot\s))"
    r"(?P<host>(?:[\w-]{1,63}(?:\.|\s?[\[({]\s?dot\s?[\])}]\s?|\sdot\s)){1,6}[^\W\d_]{2,24})(?![\w-])",
    re.IGNORECASE,
)
_LOCAL = re.compile(r"[\w.+%'-]{1,64}\Z")
_DOT = re.compile(r"\s?[\[({]\s?dot\s?[\])}]\s?|\sdot\s", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"://[^\s/@]{0,80}:\Z")
_NOBODY = frozenset(
    {
        "abc", "email", "example", "first.last", "firstname.lastname", "foo", "jane.doe",
        "john.doe", "johndoe", "me", "myemail", "name", "sample", "someone", "test", "user",
        "username", "xxx", "you", "your", "your.email", "your.name", "your_email", "youremail",
        "yourname",
    }
)  # fmt: skip
_ROLES = frozenset(
    {
        "abuse", "admin", "billing", "careers", "contact", "do-not-reply", "donotreply",
        "enquiries", "feedback", "git", "hello", "help", "helpdesk", "hostmaster", "hr", "info",
        "inquiries", "jobs", "mail", "marketing", "media", "news", "newsletter", "no-reply",
        "noreply", "office", "orders", "postmaster", "press", "privacy", "root", "sales",
        "security", "service", "services", "subscribe", "support", "team", "unsubscribe",
        "webmaster",
    }
)  # fmt: skip
_IPV4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-])(?!\.\d)", re.ASCII)
_IPV6 = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:|:){2,7}(?:[0-9A-Fa-f]{1,4}|:)?(?![\w:])", re.ASCII
)
_VERSION = re.compile(r"(?i)(?:version|release|build|chapter|section|ver|rev|v)\.?\s?\Z")


def find_personal(text: str) -> Iterator[Hit]:
    """Yield every piece of personal data; a place is one kind only, the surest first."""
    text = plain_punctuation(text)
    taken = bytearray(len(text))
    for found in (_emails(text), find_identity_numbers(text), _addresses(text), find_phones(text)):
        for hit in found:
            if not any(taken[hit.start : hit.end]):
                taken[hit.start : hit.end] = b"\x01" * (hit.end - hit.start)
                yield hit


def _emails(text: str) -> Iterator[Hit]:
    for match in _AT.finditer(text):
        local = _LOCAL.search(text[max(0, match.start() - _LONGEST_LOCAL) : match.start()])
        host = _DOT.sub(".", match["host"])
        if (
            local
            and has_known_ending(host)
            and not _is_password(text, match.start() - len(local[0]))
        ):
            name = local[0].strip(".'-").lower()
            sample = name in _NOBODY or is_stand_in(host)
            label = "sample" if sample else "organisation" if name in _ROLES else "email"
            score = _CERTAIN if match[0][0] == "@" else _DISGUISED
            yield Hit(label, score, match.start() - len(local[0]), match.end())


def _is_password(text: str, start: int) -> bool:
    """Return whether what begins here is the password of ``https://user:password@host``."""
    return bool(_IN_ADDRESS.search(text[max(0, start - 90) : start]))


def _addresses(text: str) -> Iterator[Hit]:
    for match in (*_IPV4.finditer(text), *_IPV6.finditer(text)):
        try:
            address = ipaddress.ip_address(match[0])
        except ValueError:
            continue
        version = _VERSION.search(text[max(0, match.start() - 10) : match.start()])
        if address.is_global and not version:
            yield Hit("ip_address", _DISGUISED, *match.span())


PERSONAL = PatternFilter("personal", "2", PERSONAL_LABELS, find_personal)
