"""Judge the filters made of patterns: ``python -m filters.figures.patterns --data DIR``.

Prints how much of what texts hold is found, by type and by half of the texts; how many clean texts
are flagged, by source; and both beside ``detect-secrets`` where that is installed
(``pip install detect-secrets==1.5.0``). Intervals are Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from filters.contract import Finding, Sample
from filters.figures.intervals import share
from filters.figures.pattern_texts import (
    Wanted,
    clean_texts,
    phishing_mails,
    wanted_personal,
    wanted_secrets,
)
from filters.figures.secrets_library import compare
from filters.links import LINKS
from filters.patterns import PatternFilter
from filters.personal import PERSONAL
from filters.policy import default_policy
from filters.rules import Action
from filters.secrets import SECRETS

_RULES = {name: dict(rules) for name, rules in default_policy().rules.items()}


def found_in(each: PatternFilter, text: str, *, notes: bool) -> list[Finding]:
    """Return what the default policy flags in a text; with ``notes``, what it notes as well."""
    reached = {
        label: rule.threshold
        for label, rule in _RULES[each.name].items()
        if notes or rule.action is Action.FLAG
    }
    (reading,) = each.score([Sample(text)])
    return [one for one in reading.findings if one.score >= reached.get(one.label, np.inf)]


def interval(hits: Sequence[bool]) -> str:
    """Return the share that is true with its interval, and the numbers behind it."""
    found = share(np.array(hits, dtype=np.bool_))
    if found is None:
        return "none"
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f}), {sum(hits)} of {len(hits)}"


def recall_table(name: str, each: PatternFilter, wanted: Sequence[Wanted]) -> list[str]:
    """Return the lines of a table: the share that is found, by type, of each half and of all."""
    hits = [
        any(
            one.label == want.label or not want.label
            for one in found_in(each, want.text, notes=True)
            if one.start < want.end and want.start < one.end
        )
        for want in wanted
    ]
    kinds = sorted({want.kind for want in wanted}) if each is PERSONAL else []
    lines = [f"| {name} | all | looked-at half | other half |", "|---|---|---|---|"]
    for kind in (*kinds, "all"):
        rows = [
            (want, hit)
            for want, hit in zip(wanted, hits, strict=True)
            if kind in {want.kind, "all"}
        ]
        halves = [
            [hit for want, hit in rows if want.is_looked_at is half] for half in (True, False)
        ]
        cells = (interval([hit for _, hit in rows]), *map(interval, halves))
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return lines


def clean_table(clean: dict[str, list[str]]) -> list[str]:
    """Return the lines of a table: flagged texts per 1,000, by source and filter."""
    filters = (SECRETS, PERSONAL, LINKS)
    names = " | ".join(each.name for each in filters)
    lines = [f"| clean texts | number | {names} |", "|---|---|---|---|---|"]
    for source, texts in clean.items():
        flagged = [
            sum(bool(found_in(each, text, notes=False)) for text in texts) for each in filters
        ]
        cells = (f"{count} ({1_000 * count / len(texts):.2f} per 1,000)" for count in flagged)
        lines.append(f"| {source} | {len(texts)} | {' | '.join(cells)} |")
    return lines


def link_lines(data: Path, clean: dict[str, list[str]]) -> list[str]:
    """Return the lines of a table: mails with links in which a link is flagged."""
    lines = ["| mails with links | flagged |", "|---|---|"]
    ham = [
        text for source, texts in clean.items() if source.startswith("ham mail") for text in texts
    ]
    for name, texts in (("phishing, Nazario", phishing_mails(data)), ("ham", ham)):
        linked = [text for text in texts if "://" in text or "www." in text]
        hits = [bool(found_in(LINKS, text, notes=False)) for text in linked]
        lines.append(f"| {name} | {interval(hits)} |")
    return lines


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Judge the filters made of patterns.")
    parser.add_argument("--data", type=Path, required=True, help="folder with test/, train/, text/")
    data = parser.parse_args().data
    secrets, clean = wanted_secrets(data), clean_texts(data)
    tables = (
        recall_table("secrets, gitleaks", SECRETS, secrets),
        recall_table("personal data, Presidio", PERSONAL, wanted_personal(data)),
        clean_table(clean),
        link_lines(data, clean),
        compare(lambda text: bool(found_in(SECRETS, text, notes=False)), secrets, clean),
    )
    print("\n\n".join("\n".join(lines) for lines in tables))  # noqa: T201  the output of a command


if __name__ == "__main__":
    main()
