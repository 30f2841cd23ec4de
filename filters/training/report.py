"""Choose thresholds: ``python -m filters.training.report --data DIR --weights DIR --rate 0.01``.

For each label the lowest one that flags at most a given share of harmless text. Harmless text is
prose and benign prompts that were not trained on; half of the prose chooses the thresholds, the
other half checks them in ``filters.figures``, which measures everything else.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from filters.catalog import bundled_source
from filters.classifier import Classifier
from filters.loading import load_classifier
from filters.misuse import MISUSE_LABELS
from filters.toxicity import TOXICITY_LABELS
from filters.training import prose, rows
from filters.training.recipe import Recipe

_LEAST_THRESHOLD = 0.1
_MOST_THRESHOLD = 0.99
_BATCH = 512


def scores_of(classifier: Classifier, texts: Sequence[str]) -> dict[str, list[float]]:
    """Return each label's score for each text."""
    found: dict[str, list[float]] = {label: [] for label in classifier.labels}
    for start in range(0, len(texts), _BATCH):
        for each in classifier.score(texts[start : start + _BATCH]):
            for label, (score, _, _) in each.scores.items():
                found[label].append(score)
    return found


def harmless_texts(data: Path, *, limit: int) -> list[str]:
    """Return texts that were not trained on and that nothing should flag."""
    texts = [
        text
        for passages in prose.held_back_prose(data, check=False).values()
        for text in passages[:: max(1, len(passages) // limit)]
    ]
    recipe = Recipe()
    return texts + [
        row.text
        for row in rows.read_training_rows(data, recipe)
        if row.origin.startswith("benign_") and rows.is_held_back(row, recipe)
    ]


def thresholds(harmless: dict[str, list[float]], rate: float) -> dict[str, float]:
    """Return for each label the lowest threshold, in hundredths, that flags at most ``rate``."""
    chosen: dict[str, float] = {}
    for label, scores in harmless.items():
        ranked = np.sort(np.array(scores))[::-1]
        highest_allowed = float(ranked[math.floor(rate * len(ranked))])
        above = math.floor(highest_allowed * 100 + 1) / 100
        chosen[label] = min(max(above, _LEAST_THRESHOLD), _MOST_THRESHOLD)
    return chosen


def policy_lines(classifier: Classifier, data: Path, rate: float, limit: int) -> list[str]:
    """Return the rules of a policy that flags at most ``rate`` of harmless text for each label."""
    texts = harmless_texts(data, limit=limit)
    chosen = thresholds(scores_of(classifier, texts), rate)
    lines = [f"# At most {rate:.2%} of {len(texts)} harmless texts reach each threshold."]
    for name, labels in (("toxicity", TOXICITY_LABELS), ("misuse", MISUSE_LABELS)):
        lines += ["", f"[rules.{name}]", *(f"{label} = {chosen[label]:.2f}" for label in labels)]
    return lines


def main() -> None:
    """Print the rules for a rate of false positives."""
    parser = argparse.ArgumentParser(description="Choose thresholds for a trained classifier.")
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and text/")
    parser.add_argument("--weights", type=Path, required=True, help="folder that train wrote")
    parser.add_argument("--limit", type=int, default=10**6, help="passages of each source at most")
    parser.add_argument("--rate", type=float, required=True, help="share that may be flagged")
    chosen = parser.parse_args()
    classifier = load_classifier(bundled_source(chosen.weights))
    lines = policy_lines(classifier, chosen.data, chosen.rate, chosen.limit)
    print("\n".join(lines))  # noqa: T201  the output of a command


if __name__ == "__main__":
    main()
