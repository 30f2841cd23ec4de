"""Numbers that stand for one person: cards, bank accounts and the numbers that states give.

A number counts when its check digits are right and its length and first digits are those of an
issuer; a weak check counts only beside the number's name. The checks are python-stdnum's.
Sources: ISO/IEC 7812-1 (cards), ISO 13616 (IBAN), and the states' rules that python-stdnum cites.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stdnum import iban, luhn

from filters.national_numbers import DOCUMENTS, NATIONAL
from filters.patterns import Hit

_CERTAIN = 1.0
_LIKELY = 0.8
_PROBABLE = 0.6
_BEFORE = 48

_CARD = re.compile(
    r"(?<![\w.,+-])(?:\d{4}(?P<gap>[ -]?)\d{4}(?P=gap)\d{4}(?P=gap)\d{4}(?:(?P=gap)\d{3})?"
    r"|3[47]\d\d(?P<gap5>[ -]?)\d{6}(?P=gap5)\d{5}|3\d{3}(?P<gap4>[ -]?)\d{6}(?P=gap4)\d{4}"
    r"|\d{12,19})(?![\w-])(?!\.\d)",
    re.ASCII,
)
_ISSUER = re.compile(
    r"4(?:\d{15}|\d{18})|(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)\d+(?<=^\d{16})"
    r"|3[47]\d{13}|(?:6011|65|64[4-9]|62)\d{12,17}|35(?:2[89]|[3-8]\d)\d{12,15}|(?:2131|1800)\d{11}"
    r"|(?:36|38|39|30[0-5])\d{11,12}|220[0-4]\d{12}|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}"
)
_ISSUER_IF_NAMED = re.compile(r"4\d{12}|(?:50|5[6-9]|6\d)\d{10,17}|(?:36|38|39|30)\d{12}|\d{14,16}")
_CARD_NAMES = re.compile(
    r"(?i)\b(?:cards?|credit|debit|visa|master ?card|amex|american express|maestro|discover|diners"
    r"|jcb|cc|pan)\b[^\n]{0,32}$"
)
_SAMPLES = frozenset(
    {
        "4111111111111111", "4242424242424242", "4012888888881881", "4000056655665556",
        "5555555555554444", "5105105105105100", "378282246310005", "371449635398431",
        "6011111111111117", "30569309025904", "38520000023237", "3530111333300000",
        "GB82WEST12345698765432", "GB29NWBK60161331926819", "DE89370400440532013000",
        "123456789", "078051120", "219099999", "457555462", "987654321",
    }
)  # fmt: skip
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{1,4}){3,8}(?![A-Za-z0-9])", re.ASCII
)
_SHORTEST_IBAN = 15


def find_identity_numbers(text: str) -> Iterator[Hit]:
    """Yield cards, accounts, national numbers and numbers of documents, in this order."""
    yield from _cards(text)
    yield from _ibans(text)
    for kind in NATIONAL:
        for match in kind.shape.finditer(text):
            named = kind.names.search(text[max(0, match.start() - _BEFORE) : match.start()])
            if (named or not kind.needs_name) and kind.is_valid(match[0]):
                certainty = _CERTAIN if named else _LIKELY
                yield Hit(_label("national_number", match[0]), certainty, *match.span())
    for match in DOCUMENTS.finditer(text):
        yield Hit("national_number", _PROBABLE, *match.span("value"))


def _cards(text: str) -> Iterator[Hit]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if luhn.is_valid(digits) and len(set(digits)) > 1:
            named = _CARD_NAMES.search(text[max(0, match.start() - _BEFORE) : match.start()])
            if _ISSUER.fullmatch(digits) or (named and _ISSUER_IF_NAMED.fullmatch(digits)):
                certainty = _CERTAIN if named else _LIKELY
                yield Hit(_label("card", digits), certainty, *match.span())


def _ibans(text: str) -> Iterator[Hit]:
    """Yield accounts; words in capitals may follow one, so the longest valid beginning counts."""
    for match in _IBAN.finditer(text):
        value = match[0]
        while len(value) >= _SHORTEST_IBAN:
            if iban.is_valid(value):
                label = _label("iban", value)
                yield Hit(label, _CERTAIN, match.start(), match.start() + len(value))
                break
            value = value.rpartition(" ")[0]


def _label(kind: str, value: str) -> str:
    """Return the kind, or that a number is one that the manuals use and nobody has."""
    return "sample" if re.sub(r"[^A-Z0-9]", "", value.upper()) in _SAMPLES else kind
