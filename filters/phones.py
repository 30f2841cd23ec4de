"""Telephone numbers: by international form, by national plan, or by what the text calls them.

Plans come with the library (Google's libphonenumber); nothing is fetched. Numbers that nobody has
(555-0100 to 555-0199, kept for fiction) are samples, and those that are free of charge or cost
more than a call are an organisation's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType

from filters.patterns import Hit
from filters.phone_words import is_called

_INTERNATIONAL = 0.9
_NATIONAL = 0.7
_NAMED = 0.8
_FEWEST_DIGITS = 7
_MOST_DIGITS = 15
_FEWEST_DISTINCT = 3
_LONG_GROUP = 3
_PAIR = 2

_SHAPE = re.compile(
    r"(?<![\w./=#$\u20ac\u00a3+-])(?<!\d[,:])"
    r"(?:\+\s?|\(\+?)?\d(?:\)|[ \t.\u00a0/-]{0,2}\(?\d){6,17}"
    r"(?![.,:/-]?\d)(?:\s?(?:x|ext\.?)\s?\d{1,5})?(?!\w)",
    re.ASCII,
)
_YEARS_OR_DATE = re.compile(
    r"\(\d{3,4} ?- ?\d{3,4}\)?|(?:1[4-9]|20)\d\d[ /.-]{1,3}(?:1[4-9]|20)?\d\d"
    r"|(?:1[4-9]|20)\d\d[01]\d[0-3]\d"
    r"|[0-3]?\d([./-])[0-3]?\d\1(?:\d\d){1,2}(?: \d{1,2})?"
    r"|(?:1[4-9]|20)\d\d([./-])[01]?\d\2[0-3]?\d(?: \d{1,2})?"
)
_GROUPED_NATIONAL = re.compile(
    r"\(?0\d{1,4}\)?(?:[ .\u00a0/-]{1,2}\d{2,4}){2,5}|0\d{2,4}[ /-]\d{5,8}"
)
_NORTH_AMERICAN = re.compile(
    r"(?:1[ .-]?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{4}(?:\s?(?:x|ext\.?)\s?\d+)?"
)
_SAMPLE = re.compile(r"555[ .-]?01\d\d$|123[ .)-]{0,2}456[ .-]?789|1234567|0000000|5551234")
_FREE_OF_CHARGE = re.compile(r"\(?0?80[08]\b")  # In most plans of the world.
_REGIONS = (
    "GB",
    "FR",
    "DE",
    "IT",
    "CH",
    "NL",
    "BE",
    "SE",
    "FI",
    "AT",
    "AU",
    "ZA",
    "JP",
    "BR",
    "IN",
)
_NO_PERSONS = frozenset(
    {
        PhoneNumberType.TOLL_FREE, PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN, PhoneNumberType.VOICEMAIL,
    }
)  # fmt: skip


def find_phones(text: str) -> Iterator[Hit]:
    """Yield everything that is written and used like a telephone number."""
    for match in _SHAPE.finditer(text):
        if _may_be_dialled(match[0]):
            label, score = _kind(text, match)
            if score:
                yield Hit(label, score, *match.span())


def _may_be_dialled(number: str) -> bool:
    """Return whether a number is as long and grouped as telephone numbers, and not as dates are."""
    groups = re.findall(r"\d+", re.split(r"[xe]", number)[0])
    digits = "".join(groups)
    grouped = max(map(len, groups)) >= _LONG_GROUP or all(len(each) == _PAIR for each in groups[1:])
    return (
        _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS
        and len(set(digits)) >= _FEWEST_DISTINCT
        and grouped
        and not _YEARS_OR_DATE.fullmatch(number)
    )


def _kind(text: str, match: re.Match[str]) -> tuple[str, float]:
    """Return whose number it is and how sure that is; 0.0 for a number that is not dialled."""
    number = match[0]
    international = number.startswith(("+", "(+"))
    plan = "US" if _NORTH_AMERICAN.fullmatch(number) else None
    parsed = _parsed(number, plan) if international or plan else None
    if _SAMPLE.search(number):
        score = float(bool(international or plan) or is_called(text, *match.span()))
        return "sample", score
    if international:
        return _owner(parsed), _INTERNATIONAL if parsed else 0.0
    if plan and parsed and phonenumbers.is_valid_number(parsed):
        return _owner(parsed), _NATIONAL
    if is_called(text, *match.span()):
        return "organisation" if _FREE_OF_CHARGE.match(number) else _owner(parsed), _NAMED
    grouped = _GROUPED_NATIONAL.fullmatch(number)
    if grouped and any(map(phonenumbers.is_valid_number, _plans(number))):
        return "phone", _NATIONAL
    return "phone", 0.0


def _parsed(number: str, region: str | None) -> PhoneNumber | None:
    """Return the number if there can be one of that length."""
    try:
        parsed = phonenumbers.parse(number, region)
    except NumberParseException:
        return None
    return parsed if phonenumbers.is_possible_number(parsed) else None


def _plans(number: str) -> Iterator[PhoneNumber]:
    for region in _REGIONS:
        parsed = _parsed(number, region)
        if parsed is not None:
            yield parsed


def _owner(number: PhoneNumber | None) -> str:
    if number is not None and phonenumbers.number_type(number) in _NO_PERSONS:
        return "organisation"
    return "phone"
