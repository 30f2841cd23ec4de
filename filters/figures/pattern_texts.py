"""The texts that patterns are judged on: samples with what they hold, and texts that hold nothing.

Each text belongs to one of two halves, by its digest. Patterns are written looking at the even
half; what they do on the odd half is what they will do elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filters.jsonl import read_json_lines
from filters.training import prose

PASSAGES = 4_000
PERSONAL_TYPES = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "US_SSN": "national_number",
    "US_DRIVER_LICENSE": "national_number",
    "IP_ADDRESS": "ip_address",
}
"""The types of the Presidio set that the filter claims, with the label that it gives them."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that a text holds.

    Attributes:
        text: The text.
        kind: What the data set calls it.
        label: What the filter should call it; empty where any label will do.
        start: First character.
        end: One past the last.
    """

    text: str
    kind: str
    label: str
    start: int
    end: int

    @property
    def is_looked_at(self) -> bool:
        """Whether the text is of the half that patterns are written with."""
        return int(hashlib.sha256(self.text.encode()).hexdigest(), 16) % 2 == 0


def wanted_secrets(data: Path) -> list[Wanted]:
    """Return the samples of gitleaks that are secrets; the whole sample counts as its place."""
    return [
        Wanted(row["text"], row["rule"], "", 0, len(row["text"]))
        for row in read_json_lines(data / "test/secrets/gitleaks.jsonl.gz")
        if row["labels"]["secret"]
    ]


def wanted_personal(data: Path) -> list[Wanted]:
    """Return the spans of Presidio's set whose type the filter claims."""
    return [
        Wanted(row["text"], span["type"], PERSONAL_TYPES[span["type"]], span["start"], span["end"])
        for row in read_json_lines(data / "test/pii/presidio.jsonl.gz")
        for span in row["spans"]
        if span["type"] in PERSONAL_TYPES
    ]


def clean_texts(data: Path) -> dict[str, list[str]]:
    """Return texts that hold no secret, by source; mail and messages may hold personal data."""
    benign = sorted((data / "train/misuse").glob("benign_*.jsonl.gz"))
    found = {
        "benign prompts": [row["text"] for path in benign for row in read_json_lines(path)],
        "security prompts": [text for text, _ in _rows(data, "test/misuse/mitre_frr", "misuse")],
        "Wikipedia comments": [
            text for text, _ in _rows(data, "test/toxicity/jigsaw_wikipedia", "toxicity")
        ],
    }
    for source in prose.SOURCES:
        passages = prose.passages(data, source)
        found[source] = passages[:: max(1, len(passages) // PASSAGES)]
    found["ham messages"] = [
        text for part in ("train", "test") for text in _ham(data, f"{part}/misuse/sms_spam")
    ]
    found["ham mail, Enron"] = _ham(data, "train/misuse/enron_spam_1_4")
    found["ham mail, SpamAssassin"] = _ham(data, "train/misuse/spamassassin")
    return found


def phishing_mails(data: Path) -> list[str]:
    """Return the phishing mails of the Nazario corpus."""
    return [text for text, _ in _rows(data, "train/misuse/nazario_phishing", "phishing")]


def _ham(data: Path, name: str) -> list[str]:
    return [text for text, is_spam in _rows(data, name, "spam") if not is_spam]


def _rows(data: Path, name: str, label: str) -> Iterator[tuple[str, bool]]:
    for row in read_json_lines(data / f"{name}.jsonl.gz"):
        yield row["text"], row["labels"].get(label, 0) > 0
