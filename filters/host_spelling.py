"""Hosts that are spelled to be read as another: look-alike letters, signs for letters.

Source: Unicode Technical Standard 39, "Unicode Security Mechanisms", section 4 (confusables) and
section 5 (mixed scripts), whose tables the package confusable-homoglyphs carries; RFC 3492
(punycode).
"""

from __future__ import annotations

import unicodedata

from confusable_homoglyphs import confusables

from filters.link_names import BAIT, BRANDS, ORDINARY_BRANDS

_KNOWN = frozenset(f"{BRANDS}|{ORDINARY_BRANDS}".split("|"))
_LOOKS = frozenset(each.replace("i", "l") for each in _KNOWN)
_SPELLED = str.maketrans("01345", "olsas")


def readable(host: str) -> str | None:
    """Return the host as browsers show it, or nothing where its letters pretend to be others."""
    shown = []
    for label in host.split("."):
        if label.startswith("xn--"):
            try:
                label = label[4:].encode("ascii").decode("punycode")  # noqa: PLW2901
            except (UnicodeError, ValueError):
                return None
        if not label.isascii() and _pretends(label):
            return None
        shown.append(label)
    return ".".join(shown)


def _pretends(label: str) -> bool:
    """Return whether a label mixes scripts, or spells a known name or bait in another one."""
    plain = "".join(
        each for each in unicodedata.normalize("NFKD", label) if not unicodedata.combining(each)
    )
    if plain.isascii():
        return plain.lower() in _KNOWN
    if confusables.is_mixed_script(label):
        return True
    skeleton = "".join(each if each.isascii() else _alike(each) for each in plain).lower()
    return skeleton.replace("i", "l") in _LOOKS or bool(BAIT.search(skeleton))


def _alike(character: str) -> str:
    """Return the Latin letter that a character looks like, or the character itself."""
    for found in confusables.is_confusable(character, preferred_aliases=["latin"]) or ():
        for other in found["homoglyphs"]:
            if other["c"].isascii():
                return str(other["c"])
    return character


def is_misspelled(name: str) -> bool:
    """Return whether a registered name is a known one in other signs: ``rnicros0ft``."""
    spelled = name.translate(_SPELLED).replace("rn", "m").replace("vv", "w")
    return name not in _KNOWN and spelled in _KNOWN
