"""Places where a credential stands: headers, addresses, command lines, assignments.

The place says what the value means; ``randomness`` says whether it is one. Every pattern has an
upper bound on what it may take, so that reading is linear in the length of the text.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from filters.patterns import Hit
from filters.randomness import looks_filled_in, looks_like_password, looks_random

_LIKELY = 0.8
_PROBABLE = 0.6
_LEAST_HEADER = 10
_LEAST_NAMED = 20
_LEAST_DIGITS = 3

_HEADER = re.compile(
    r"(?i)(?:\bauthorization|\bx-[\w-]{0,40}(?:key|token|secret|auth)|\bapi-?key"
    r"|(?:-H|--header)[ =]{0,3}[\"']?[\w-]{0,40}(?:key|token|secret|auth))"
    r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
    r"(?:(?P<scheme>bearer|basic|token|api-?token|api-?key|apikey|oauth|key|pat)[ =:]{1,3})?"
    r"(?P<value>[^\s\"'`,;<>{}\[\]\\]{8,4000})"
)
_IN_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,20}://(?P<user>[^\s:/@\"'<>]{0,80})"
    r":(?P<value>[^\s/@\"'<>]{3,80})@[^\s@]"
)
_CURL_USER = re.compile(
    r"\bcurl\b(?:[^\n|;\\]|\\\n|\\.){0,400}?\s(?:-[a-zA-Z]{0,5}u|--(?:proxy-)?user)[ =]{0,3}"
    r"[\"']?(?P<user>[^\s:\"']{0,80})[\"']?:[\"']?(?P<value>[^\s\"']{0,80})"
)
_COMMAND = re.compile(
    r"\b(?:mysql\w{0,8}|mariadb|sshpass|redis-cli|mongo(?:sh|dump)?|ldapsearch)\b[^\n|;]{0,200}?"
    r"\s(?P<flag>-p|-a|-w|--pass(?:word)?[ =]) ?[\"']?(?P<value>[^\s\"'-][^\s\"']{5,80})"
)
_NAMES = (
    r"(?P<password>pass(?:word|wd|phrase|code)|pwd|(?<![A-Za-z])p(?:ass|w))"
    r"|(?:api|secret|access|private|encrypt(?:ion)?|signing|master|account|storage|shared|auth"
    r"|service|deploy|consumer|webhook|license|registration|integration)[ _.-]?key"
    r"|client[_.-]?secret|app[_.-]?secret|secret|(?<!csrf)(?<!csrf[_.-])(?<!xsrf[_.-])token"
    r"|credentials?|bearer"
)
_ASSIGNED = re.compile(
    rf"(?i)(?<!public)(?<!public[_.-])(?:{_NAMES})(?P<more>[_.-]?(?:base|prod|dev|test|value"
    r"|string))?(?:[\"'\]]{1,2}|</?\w{0,20}>)?(?:\s(?:for|of|to)\s[^\n.:=;]{1,40}?(?=\sis\b|:))?"
    r"(?:\s{1,3}(?:is|was|to))?\s{0,3}(?::=|=>|->|=|:|>|,|\(|\||\s)\s{0,3}[\"'`]{0,2}"
    r"(?=(?P<value>[^\s\"'`,;<>(){}\[\]$]{6,400}))"  # Not taken: it may be a name itself.
)
_ISSUERS = (
    r"adafruit|adobe|airtable|algolia|asana|bitbucket|bittrex|cloudflare|codecov|cohere|coinbase"
    r"|confluent|contentful|datadog|discord|dropbox|droneci|etsy|facebook|fastly|finnhub|flickr"
    r"|freshbooks|hubspot|intercom|jfrog|kraken|kucoin|launchdarkly|linkedin|looker|mailchimp"
    r"|mailgun|mapbox|mattermost|meraki|messagebird|netlify|new-?relic|okta|openai|plaid|rapidapi"
    r"|sendbird|sendgrid|sentry|snyk|sourcegraph|squarespace|stripe|sumo(?:logic)?|telegram|travis"
    r"|trello|twilio|twitch|twitter|vault|yandex|zendesk"
)
_NAMED_AFTER_ISSUER = re.compile(
    rf"(?i)(?<![A-Za-z0-9])(?:{_ISSUERS})[\w.-]{{0,20}}[\"']?\s{{0,3}}(?:=|:|=>|:=)\s{{0,3}}[\"']?"
    r"(?P<value>[A-Za-z0-9_+/=-]{20,200})(?![\w.])"
)


def find_credentials(text: str) -> Iterator[Hit]:
    """Yield the values at all places where a credential stands."""
    yield from _in_headers(text)
    for match in (*_IN_ADDRESS.finditer(text), *_CURL_USER.finditer(text)):
        yield from _user_and_password(match)
    for match in _COMMAND.finditer(text):
        if looks_like_password(match["value"]):
            yield Hit("password", _LIKELY, *match.span("value"))
    yield from _assigned(text)
    for match in _NAMED_AFTER_ISSUER.finditer(text):
        value = match["value"]
        digits = sum(each.isdigit() for each in value)
        if digits >= _LEAST_DIGITS and looks_random(value, least=_LEAST_NAMED):
            yield Hit("token", _PROBABLE, *match.span("value"))


def _in_headers(text: str) -> Iterator[Hit]:
    for match in _HEADER.finditer(text):
        value = match["value"]
        if (match["scheme"] or "").lower() == "basic":
            if _is_basic_credential(value):
                yield Hit("password", _LIKELY, *match.span("value"))
        elif looks_random(value, least=_LEAST_HEADER):
            yield Hit("token", _LIKELY, *match.span("value"))


def _user_and_password(match: re.Match[str]) -> Iterator[Hit]:
    user, password = match["user"], match["value"]
    if looks_filled_in(user, password):
        yield Hit("password", _LIKELY, *match.span("value"))
    elif not password and looks_like_password(user):
        yield Hit("token", _LIKELY, *match.span("user"))  # ``curl -u KEY:`` has the key as user.


def _assigned(text: str) -> Iterator[Hit]:
    for match in _ASSIGNED.finditer(text):
        value = match["value"].rstrip(".,;:!?\\")
        real = looks_like_password if match["password"] else looks_random
        if real(value):
            label = "password" if match["password"] else "token"
            yield Hit(label, _LIKELY, match.start("value"), match.start("value") + len(value))


def _is_basic_credential(value: str) -> bool:
    """Return whether a value is the Base64 of a user and a password, or of a key and nothing."""
    try:
        decoded = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return looks_random(value)
    user, colon, password = decoded.partition(":")
    return bool(colon) and looks_filled_in(user if password else "", password or user)
