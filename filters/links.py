"""Links: addresses with the marks of phishing and malware, without asking the network.

Every mark has a weight; marks add up as independent evidence. Nothing is looked up: a filter that
called home would tell others what is being generated.

Source of the marks: A. K. Jain and B. B. Gupta, "Phishing Detection: Analysis of Visual Similarity
Based Approaches", Security and Communication Networks 2017, section 2, and RFC 3986, section 7.6
("Semantic Attacks"). The weights are ours.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Iterator
from urllib.parse import SplitResult, unquote, urlsplit

from filters.patterns import Hit, PatternFilter

LINKS_LABELS = ("suspicious",)

_LINK = re.compile(
    r"(?i)(?:\b(?:https?|hxxps?|ftp)(?:://|\[:\]//)|(?<![\w@./-])www\.)[^\s<>\"'`{}|\\^]{3,2000}"
    r"|\b(?:javascript:[^\s]{3,200}|data:text/html[^\s]{3,200})"
)
_TRAILING = ".,;:!?)]'\"*_"
_ORDINARY_PORTS = frozenset({80, 443, 3000, 5000, 8000, 8080, 8443})
_SHORTENERS = frozenset(
    {
        "bit.ly", "tinyurl.com", "t.co", "goo.gl", "is.gd", "ow.ly", "buff.ly",
        "cutt.ly", "rebrand.ly", "rb.gy", "shorturl.at", "tiny.cc", "v.gd",
        "bl.ink", "s.id", "t.ly", "adf.ly", "qr.ae", "soo.gd", "clck.ru",
    }
)  # fmt: skip
_BRANDS = (
    "paypal|apple|icloud|microsoft|office365|outlook|google|gmail|amazon|netflix|facebook|instagram|"
    "whatsapp|linkedin|dropbox|docusign|chase|wellsfargo|bankofamerica|citibank|hsbc|barclays|dhl|"
    "fedex|usps|ups|coinbase|binance|metamask|steam|ebay|adobe"
)
_BRAND = re.compile(rf"(?:^|[.-])(?P<brand>{_BRANDS})(?=[.-]|$)")
_HARVEST = re.compile(
    r"(?i)log-?in|sign-?in|verif(?:y|ication)|secure|account|update|confirm|password|credential|unlock|"
    r"suspend|wallet|billing|banking|invoice|webscr|recover|authenticat"
)
_DOWNLOAD = re.compile(r"(?i)\.(?:exe|scr|bat|cmd|msi|vbs|ps1|hta|apk|jar|iso|lnk)$")
_CHEAP_ENDINGS = frozenset(
    {
        "zip", "mov", "top", "xyz", "tk", "ml", "ga", "cf", "gq", "icu", "click", "link", "rest",
        "cam", "buzz", "country", "stream", "gdn", "work", "mom", "cyou", "sbs",
    }
)  # fmt: skip
_SECOND_LEVEL = frozenset({"co", "com", "org", "net", "ac", "gov"})
_LABELS_OF_A_SITE = 2
_HOME_NETWORKS = tuple(
    ipaddress.ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10")
)
_MANY_LABELS = 5
_LONG_HOST = 45


def find_links(text: str) -> Iterator[Hit]:
    """Yield every link that has at least one mark."""
    for match in _LINK.finditer(text):
        address = match[0].rstrip(_TRAILING)
        score = suspicion(address)
        if score > 0:
            yield Hit("suspicious", score, match.start(), match.start() + len(address))


def suspicion(address: str) -> float:
    """Return how suspicious an address looks, from 0.0 to 1.0."""
    if re.match(r"(?i)javascript:|data:", address):
        return 0.9
    plain = re.sub(r"(?i)^hxxp", "http", address).replace("[.]", ".").replace("[:]", ":")
    if plain.lower().startswith("www."):
        plain = f"http://{plain}"
    try:
        parts = urlsplit(plain)
        port = parts.port
    except ValueError:
        return 0.6  # An address that does not parse was not written to be read by people.
    marks = [*_host_marks(parts, port), *_path_marks(parts)]
    if address.lower().startswith("hxxp"):
        marks.append(0.3)
    return round(1 - math.prod(1 - mark for mark in marks), 3)


def _host_marks(parts: SplitResult, port: int | None) -> Iterator[float]:
    host = (parts.hostname or "").rstrip(".")
    if _is_local(host):
        return
    if parts.username is not None:
        yield 0.8  # What stands before the @ is not where the link goes.
    if _is_number(host):
        yield 0.7
    if "xn--" in host or not host.isascii() or "%" in parts.netloc:
        yield 0.6
    if port is not None and port not in _ORDINARY_PORTS:
        yield 0.35
    if host.removeprefix("www.") in _SHORTENERS:
        yield 0.5
    if host.rpartition(".")[2] in _CHEAP_ENDINGS:
        yield 0.35
    if host.count(".") >= _MANY_LABELS or len(host) > _LONG_HOST:
        yield 0.3
    if host.count("-") > 1:
        yield 0.2
    yield from _brand_marks(host)


def _brand_marks(host: str) -> Iterator[float]:
    """Mark a known name that is not the site's own registered name, and hosts made of bait."""
    labels = host.removeprefix("www.").split(".")
    borrowed = {match["brand"] for match in _BRAND.finditer(host)} - {_registered_name(labels)}
    bait = len(_HARVEST.findall(".".join(labels[:-1])))
    if borrowed:
        yield 0.6
    if bait > 1 or (bait and borrowed):
        yield 0.5
    elif bait:
        yield 0.2


def _registered_name(labels: list[str]) -> str:
    """Return the label that its owner registered: ``bank`` of ``login.bank.co.uk``."""
    second_level = len(labels) > _LABELS_OF_A_SITE and labels[-2] in _SECOND_LEVEL
    return labels[-3] if second_level else labels[-2] if len(labels) > 1 else labels[0]


def _path_marks(parts: SplitResult) -> Iterator[float]:
    path = unquote(parts.path)
    if _DOWNLOAD.search(path) and not _is_local(parts.hostname or ""):
        yield 0.4
    bait = {match.lower() for match in _HARVEST.findall(path + "?" + parts.query)}
    if len(bait) > 1:
        yield 0.25
    elif bait:
        yield 0.1
    if re.search(r"https?(?::|%3a)//", unquote(parts.query), re.IGNORECASE):
        yield 0.2  # An open redirect: the real destination is an argument.
    if re.search(r"[\w.+-]+@[\w-]+\.\w", unquote(parts.query + parts.fragment)):
        yield 0.3  # A victim's address, filled in.


def _is_number(host: str) -> bool:
    """Return whether a host is a number, also in the odd spellings that browsers take."""
    if re.fullmatch(r"(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+)){0,3}", host):
        return True
    return ":" in host


def _is_local(host: str) -> bool:
    if host in {"", "localhost"} or host.endswith(
        (".localhost", ".local", ".test", ".example", ".invalid")
    ):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or any(
        address in each for each in _HOME_NETWORKS if each.version == address.version
    )


LINKS = PatternFilter("links", "1", LINKS_LABELS, find_links)
