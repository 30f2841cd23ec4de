"""Marks of phishing in an address, each with its weight.

Source of the marks: A. K. Jain and B. B. Gupta, "Phishing Detection: Analysis of Visual Similarity
Based Approaches", Security and Communication Networks 2017, section 2; RFC 3986, section 7.6
("Semantic Attacks"). The weights are ours.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import SplitResult, unquote

from filters.domains import is_reserved, registered_name
from filters.host_spelling import is_misspelled, readable
from filters.link_names import (
    BAIT,
    BRANDS,
    CHEAP_ENDINGS,
    DISGUISE,
    DOWNLOAD,
    FREE_HOSTS,
    ORDINARY_BRANDS,
    PLANTED,
    SHORTENERS,
)

_ORDINARY_PORTS = frozenset({80, 443, 3000, 5000, 8000, 8080, 8443})
_BRAND = re.compile(rf"(?:^|[.-])({BRANDS})(?=[.-]|$)")
_BRAND_IN_PATH = re.compile(rf"(?i)(?<![a-z])(?:{BRANDS})(?![a-z])")
_ORDINARY_BRAND = re.compile(rf"(?:^|[.-])({ORDINARY_BRANDS})(?=[.-]|$)")
_ADDRESS = re.compile(r"[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,6}\w{2,24}")
_HOME_NETWORKS = tuple(
    ipaddress.ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10")
)
_MANY_LABELS = 5
_LONG_HOST = 45


def marks_of(parts: SplitResult, port: int | None) -> Iterator[float]:
    """Yield the weight of each mark; none for a host at home or kept for examples."""
    host = (parts.hostname or "").rstrip(".")
    if is_local(host):
        return
    shown = readable(host)
    if shown is None:
        yield 0.8  # The name that people read is not the name that is asked for.
    elif not shown.isascii():
        yield 0.1
    if parts.username is not None:
        yield 0.8  # What stands before the @ is not where the link goes.
    if "%" in parts.netloc:
        yield 0.6
    if _is_number(host):
        yield 0.7
    if port is not None and port not in _ORDINARY_PORTS:
        yield 0.35
    yield from _host_marks(host)
    yield from _path_marks(parts, host)


def _host_marks(host: str) -> Iterator[float]:
    registered = registered_name(host)
    if host.removeprefix("www.") in SHORTENERS:
        yield 0.5
    if host.rpartition(".")[2] in CHEAP_ENDINGS:
        yield 0.35
    if registered in FREE_HOSTS and host.removeprefix("www.") != registered:
        yield 0.3
    if host.count(".") >= _MANY_LABELS or len(host) > _LONG_HOST:
        yield 0.3
    if host.count("-") > 1:
        yield 0.2
    own = registered.partition(".")[0]
    borrowed = set(_BRAND.findall(host)) - {own}
    bait = len(BAIT.findall(host.removesuffix(registered.partition(".")[2])))
    ordinary = bait and set(_ORDINARY_BRAND.findall(host)) - {own}
    if borrowed or ordinary or is_misspelled(own):
        yield 0.6
    if bait > 1 or (bait and borrowed):
        yield 0.5
    elif bait:
        yield 0.3


def _path_marks(parts: SplitResult, host: str) -> Iterator[float]:
    path, query = unquote(parts.path), unquote(parts.query)
    if DISGUISE.search(path) and not DOWNLOAD.search(path):
        yield 0.3
    elif DISGUISE.search(path):
        yield 0.6
    elif DOWNLOAD.search(path):
        yield 0.4
    if PLANTED.search(path):
        yield 0.45
    bait = {match.lower() for match in BAIT.findall(f"{path}?{query}")}
    if bait:
        yield 0.25 if len(bait) > 1 else 0.1
    named = {match.lower() for match in _BRAND_IN_PATH.findall(path)}
    if named and registered_name(host).partition(".")[0] not in named:
        yield 0.3
    beyond = re.search(r"https?(?::|%3a)//([\w.-]{1,253})", query, re.IGNORECASE)
    if beyond and registered_name(beyond[1]) != registered_name(host):
        yield 0.25  # An open redirect: the real destination is an argument.
        yield from _host_marks(beyond[1].lower())
    fragment = unquote(parts.fragment)
    alone = _ADDRESS.fullmatch(query) or _ADDRESS.fullmatch(fragment)
    if alone and not re.search(r"(?i)unsubscri|opt-?out|remove", path):
        yield 0.5  # A victim's address and nothing else: the page fills it in.
    elif _ADDRESS.search(query) or _ADDRESS.search(fragment):
        yield 0.3


def _is_number(host: str) -> bool:
    """Return whether a host is a number, also in the odd spellings that browsers take."""
    if re.fullmatch(r"(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+)){0,3}", host):
        return True
    return ":" in host


def is_local(host: str) -> bool:
    """Return whether a host is this machine, this house or nobody's."""
    if not host or (is_reserved(host) and "." not in registered_name(host)):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or any(
        address in each for each in _HOME_NETWORKS if each.version == address.version
    )
