"""Names of hosts: which part of one somebody registered, and which ones nobody can.

The public suffix list comes with its library and is read from there; nothing is fetched.
Source of the reserved names: RFC 2606 and RFC 6761.
"""

from __future__ import annotations

from functools import cache

from publicsuffixlist import PublicSuffixList

_RESERVED_ENDINGS = ("test", "example", "invalid", "localhost", "local", "internal", "onion")
_RESERVED = frozenset({"example.com", "example.net", "example.org"})
_STAND_INS = frozenset(
    {
        "acme.com", "company.com", "domain.com", "email.com", "foo.com", "mail.com", "mydomain.com",
        "sample.com", "test.com", "website.com", "xyz.com", "yourcompany.com", "yourdomain.com",
    }
)  # fmt: skip


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False, only_icann=True)


def has_known_ending(host: str) -> bool:
    """Return whether a host ends as registered names do: ``a.co.uk``, and not ``a.png``."""
    return _suffixes().privatesuffix(host.lower()) is not None


def registered_name(host: str) -> str:
    """Return what was registered: ``bank.co.uk`` of ``login.bank.co.uk``; the host if nothing."""
    return _suffixes().privatesuffix(host.lower()) or host.lower()


def is_reserved(host: str) -> bool:
    """Return whether a host is kept for examples and tests, so that it is nobody's."""
    name = host.lower().rstrip(".")
    return name.rpartition(".")[2] in _RESERVED_ENDINGS or registered_name(name) in _RESERVED


def is_stand_in(host: str) -> bool:
    """Return whether a host is reserved, or is one that texts use for "some host"."""
    return is_reserved(host) or registered_name(host) in _STAND_INS
