"""Toxicity: insults, threats, obscenity and attacks on groups, with Detoxify's labels."""

from __future__ import annotations

from filters.heads import ClassifierFilter, Scorer

TOXICITY_LABELS = ("toxicity", "obscene", "threat", "insult", "identity_attack")
"""Labels of the bundled classifier.

Detoxify's ``severe_toxicity`` and ``sexual_explicit`` are not among them: the training data has no
positive example of either. A published Detoxify checkpoint brings its own labels.
"""


def bundled_toxicity(classifier: Scorer) -> ClassifierFilter:
    """Return the toxicity labels of the bundled classifier as a filter."""
    return ClassifierFilter("toxicity", TOXICITY_LABELS, classifier)


def detoxify_toxicity(classifier: Scorer) -> ClassifierFilter:
    """Return every label of a published Detoxify checkpoint as the toxicity filter."""
    return ClassifierFilter("toxicity", classifier.labels, classifier)
