"""Is a value a secret, or a word that stands where one would stand?

Source of the measure: C. E. Shannon, "A Mathematical Theory of Communication", 1948, section 6.
"""

from __future__ import annotations

import math
import re
from collections import Counter

LEAST_RANDOM_BITS = 3.0
"""English words of 16 characters stay near 3 bits for each character, random ones are above."""

_LEAST_RANDOM = 16  # The shortest keys in use have 16 characters.
_LEAST_PASSWORD = 6
_LEAST_CREDENTIAL = 4
_LEAST_FORMAT_BITS = 2.5  # A format vouches for the value; this only refuses rows of one letter.
_FILLED = re.compile(
    r"(?i)example|placeholder|redacted|dummy|xxxx|\*\*\*|\.\.\.|###|random|here$|changeme"
    r"|(?-i:abcdefghij|ABCDEFGHIJ)|0123456789|1234567890|(.)\1{7}"
)
_STAND_IN = re.compile(
    r"(?i)example|placeholder|redacted|dummy|xxx|\*\*\*|\.\.\.|(.)\1{4}|your|sample|change|here$"
    r"|<|>|\$\{|\{\{|^\$|^%|^\[.*\]$|^\(?(?:none|null|nil|true|false)$|^https?:|^/|^[./~]+/"
)
_NAME = re.compile(r"[a-z]+(?:[._-][a-z]+)*|(?:[A-Z]+_)+[A-Z]+|[a-z]+(?:[A-Z][a-z]+)+")
_WORDS = frozenset(
    {
        "admin", "apikey", "bar", "foo", "guest", "host", "key", "login", "me", "mypass",
        "mypassword", "name", "none", "pass", "passwd", "password", "password1", "password123",
        "postgres", "pw", "pwd", "redis", "root", "secret", "test", "test123", "token", "user",
        "username", "userpass", "xxx", "yyy",
    }
)  # fmt: skip


def is_filled_in(value: str) -> bool:
    """Return whether a value of a published format is one, and not a sample of the format."""
    return not _FILLED.search(value) and bits(value) >= _LEAST_FORMAT_BITS


def looks_random(value: str, *, least: int = _LEAST_RANDOM) -> bool:
    """Return whether a value is long and mixed enough to be a key rather than a word or a name."""
    mixed = any(each.isdigit() for each in value) and any(each.isalpha() for each in value)
    return (
        mixed
        and len(value) >= least
        and bits(value) >= min(LEAST_RANDOM_BITS, math.log2(least) - 1)
        and not stands_in(value)
    )


def looks_like_password(value: str) -> bool:
    """Return whether a value may be a real password: mixed characters, and no placeholder."""
    kinds = sum(bool(re.search(kind, value)) for kind in ("[a-z]", "[A-Z]", r"\d", r"[^A-Za-z0-9]"))
    mixed = kinds > 1 and (any(each.isdigit() for each in value) or kinds > 2)  # noqa: PLR2004
    return mixed and len(value) >= _LEAST_PASSWORD and not stands_in(value)


def looks_filled_in(user: str, password: str) -> bool:
    """Return whether a user and a password, at a place made for them, are more than an example."""
    return (
        len(password) >= _LEAST_CREDENTIAL
        and password.lower() not in _WORDS
        and password.lower() != user.lower()
        and not _STAND_IN.search(password)
    )


def stands_in(value: str) -> bool:
    """Return whether a value is a placeholder, a name, a path or an address."""
    return bool(_STAND_IN.search(value) or _NAME.fullmatch(value)) or value.lower() in _WORDS


def bits(value: str) -> float:
    """Return the Shannon entropy of the characters, in bits for each character."""
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares)
