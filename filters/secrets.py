"""Secrets: keys, tokens and passwords that a model may have memorised.

Two kinds of evidence. A format that only secrets have (``AKIA...``, ``ghp_...``, a PEM block) is
nearly certain. An assignment to a name that means a secret (``api_key = "..."``) counts when the
value looks random, so that placeholders and variable names do not.

Source of the formats: the issuers' own documentation of their token prefixes. Source of the
measure of randomness: C. E. Shannon, "A Mathematical Theory of Communication", 1948, section 6.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from filters.patterns import Hit, PatternFilter

SECRETS_LABELS = ("private_key", "token", "password")

_CERTAIN = 1.0
_LIKELY = 0.8
# English words of 16 characters stay near 3 bits for each character, random ones are above.
_LEAST_RANDOM_BITS = 3.0
_LEAST_PASSWORD = 6

_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----[\s\S]{0,20000}?"
    r"(?:-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|\Z)"
)
_FORMATS = (
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}",  # AWS access key id
    r"ABSK[A-Za-z0-9+/]{100,}={0,2}",  # Amazon Bedrock
    r"gh[pousr]_[A-Za-z0-9]{36,255}",  # GitHub
    r"github_pat_[A-Za-z0-9_]{60,255}",
    r"gl(?:pat|ptt|rt|dt|cbt|ft|soat|agent)-[A-Za-z0-9_.-]{20,80}",  # GitLab
    r"xox[abeoprs]-[A-Za-z0-9-]{10,250}",  # Slack
    r"xapp-\d-[A-Z0-9]+-\d+-[a-z0-9]{32,}",
    r"https?://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{30,}",
    r"sk-ant-[a-z]+\d\d-[A-Za-z0-9_-]{60,}",  # Anthropic
    r"sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}",  # OpenAI
    r"(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{20,}",  # Stripe
    r"AIza[A-Za-z0-9_-]{35}",  # Google
    r"ya29\.[A-Za-z0-9_-]{40,}",
    r"(?:hf_|api_org_)[A-Za-z]{34}",  # Hugging Face
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-AgE[A-Za-z0-9_-]{60,}",
    r"dop_v1_[a-f0-9]{64}",  # DigitalOcean
    r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",  # SendGrid
    r"hv[sbr]\.[A-Za-z0-9_-]{24,}",  # HashiCorp Vault
    r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}",
    r"dapi[a-f0-9]{32}",  # Databricks
    r"ntn_[0-9]{11}[A-Za-z0-9]{35}",  # Notion
    r"ops_eyJ[A-Za-z0-9+/]{200,}={0,3}",  # 1Password
    r"API-[A-Z0-9]{26}",  # Octopus Deploy
    r"sgp_(?:[a-fA-F0-9]{16}_|local_)?[a-fA-F0-9]{40}",  # Sourcegraph
    r"EAA[MC][A-Za-z0-9]{100,}",  # Facebook
    r"\d{15,16}\|[A-Za-z0-9_-]{27,40}",
    r"s-s4t2(?:ud|af)-[a-f0-9]{64}",  # 42
    r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}",  # Azure client secret
    r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",  # JSON Web Token
)
_TOKEN = re.compile(r"(?<![A-Za-z0-9_-])(?:" + "|".join(_FORMATS) + r")(?![A-Za-z0-9])")
_HEADER = re.compile(
    r"(?i)\b(?:authorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic|(?:api-?)?token|apikey)\s+"
    r"|x-(?:api|auth)-(?:key|token)[\"']?\s*[:=]\s*[\"']?)([A-Za-z0-9+/=._~-]{12,})"
)
_IN_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'<>]{1,80}:([^\s/@\"'<>]{3,80})@[^\s@]"
)
_CURL_USER = re.compile(
    r"\bcurl\b[^\n|;]{0,300}?\s(?:-u|--user)[ =]?\s*"
    r"[\"']?[^\s:\"']{0,80}[\"']?:[\"']?([^\s\"':]{3,80})"
)
_ASSIGNED = re.compile(
    r"(?i)(?<![A-Za-z0-9])(?:[\w.-]{0,40}[_.-])?"
    r"(?:(?P<password>password|passwd|passphrase|pwd)"
    r"|api[_-]?key|apikey|secret(?:[_-]?(?:access[_-]?)?key)?|client[_-]?secret|access[_-]?key"
    r"|access[_-]?token|auth[_-]?token|bearer[_-]?token|refresh[_-]?token|encryption[_-]?key)"
    r"[\"']?\s{0,3}(?::=|=>|=|:|\bis\b)\s{0,3}[\"'`]?(?P<value>[^\s\"'`,;<>(){}\[\]$]{6,200})"
)
_FILLER = r"(?i)example|placeholder|redacted|dummy|xxx|\*\*\*|\.\.\.|(.)\1{4}"
_PLACEHOLDER = re.compile(
    _FILLER + r"|your|sample|change|<|>|\$\{|^(?:none|null|true|false)$|^https?:|^/"
    r"|^[a-z]+(?:[._-][a-z]+)*$|^(?:[A-Z]+_)+[A-Z]+$"
)
_FILLED = re.compile(_FILLER)


def find_secrets(text: str) -> Iterator[Hit]:
    """Yield every secret that the patterns know, most certain kinds first."""
    for match in _PRIVATE_KEY.finditer(text):
        yield Hit("private_key", _CERTAIN, *match.span())
    for match in _TOKEN.finditer(text):
        if not _FILLED.search(match[0]):
            yield Hit("token", _CERTAIN, *match.span())
    for match in _HEADER.finditer(text):
        if looks_random(match[1]):
            yield Hit("token", _LIKELY, *match.span(1))
    for match in (*_IN_ADDRESS.finditer(text), *_CURL_USER.finditer(text)):
        if looks_like_password(match[1]):
            yield Hit("password", _LIKELY, *match.span(1))
    yield from _assigned(text)


def _assigned(text: str) -> Iterator[Hit]:
    for match in _ASSIGNED.finditer(text):
        value = match["value"].rstrip(".,;:!?")
        real = looks_like_password if match["password"] else looks_random
        if real(value):
            label = "password" if match["password"] else "token"
            yield Hit(label, _LIKELY, match.start("value"), match.start("value") + len(value))


def looks_random(value: str) -> bool:
    """Return whether a value is long and mixed enough to be a key rather than a word or a name."""
    mixed = any(each.isdigit() for each in value) and any(each.isalpha() for each in value)
    long = len(value) >= 16  # noqa: PLR2004  the shortest keys in use have 16 characters
    return mixed and long and _bits(value) >= _LEAST_RANDOM_BITS and not _PLACEHOLDER.search(value)


def looks_like_password(value: str) -> bool:
    """Return whether a value may be a real password: mixed characters, and no placeholder."""
    kinds = sum(bool(re.search(kind, value)) for kind in ("[a-z]", "[A-Z]", r"\d", r"[^A-Za-z0-9]"))
    mixed = kinds > 1 and (any(each.isdigit() for each in value) or kinds > 2)  # noqa: PLR2004
    return mixed and len(value) >= _LEAST_PASSWORD and not _PLACEHOLDER.search(value)


def _bits(value: str) -> float:
    """Return the Shannon entropy of the characters, in bits for each character."""
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares)


SECRETS = PatternFilter("secrets", "1", SECRETS_LABELS, find_secrets)
