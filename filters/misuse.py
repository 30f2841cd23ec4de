"""Misuse: text that helps to do harm, by kind of harm, and ``misuse`` for any of them."""

from __future__ import annotations

from filters.heads import ClassifierFilter, Scorer

MISUSE_LABELS = (
    "misuse",
    "spam",
    "phishing",
    "fraud",
    "cybercrime",
    "weapons",
    "violence",
    "self_harm",
    "sexual_abuse",
    "disinformation",
    "illegal_goods",
    "harassment",
    "privacy",
)


def bundled_misuse(classifier: Scorer) -> ClassifierFilter:
    """Return the misuse labels of the bundled classifier as a filter."""
    return ClassifierFilter("misuse", MISUSE_LABELS, classifier)
