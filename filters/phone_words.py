"""Words beside a number that say that it can be called, or that it is another kind of number."""

from __future__ import annotations

import re

_BEFORE = 48
_AFTER = 14

_NAME_BEFORE = re.compile(
    r"(?i)\b(?:(?:tele)?phone|tel|mobile|mob|cell(?:phone|ular)?|fax|call(?:ed|ing|s)?|dial(?:ed|ing)?"
    r"|sms|texts?|texting|messages?|whats-?app|viber|reach(?:ed)?|ring|rang|desk|office|home|work"
    r"|hotline|voicemail|answering|pager|contact"
    r"|(?:my|your|his|her|our|their|registered) (?:number|no)|(?:ph|[mtpf])(?=\s?[.:]))\b"
    r"[^\d\n]{0,24}\n?[^\d\n]{0,8}$"
)
_OTHER_NAME = re.compile(
    r"(?i)\b(?:account|order|invoice|reference|ref|serial|tracking|policy|case|ticket|card|customer"
    r"|global|model|part|id|zip|postcode|isbn|flight|vin|page)s?\b[^\d\n]{0,12}\n?$"
)
_NAME_AFTER = re.compile(
    r"(?i)^[\s(,-]{0,3}(?:office|fax|mobile|mob|cell|home|work|phone|desk|tel)\b"
)


def is_called(text: str, start: int, end: int) -> bool:
    """Return whether the words around a number say that it can be called."""
    before = text[max(0, start - _BEFORE) : start]
    if _OTHER_NAME.search(before):
        return False
    return bool(_NAME_BEFORE.search(before) or _NAME_AFTER.match(text[end : end + _AFTER]))
