"""Judge a trained classifier: ``python -m filters.training.report --data DIR --weights DIR``.

Prints the table of the card, and the thresholds of the default policy: for each label the lowest
one that flags at most a given share of harmless text. Harmless text is prose and benign prompts
that were not trained on; half of the prose chooses the thresholds, the other half checks them.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from filters.checkpoints import CheckpointSource, check_listed
from filters.classifier import Classifier
from filters.evaluation import evaluate, label_scores, read_rows
from filters.loading import load_classifier
from filters.misuse import MISUSE_LABELS, bundled_misuse
from filters.policy import Policy, default_policy
from filters.toxicity import TOXICITY_LABELS, bundled_toxicity
from filters.training import pack, prose, rows
from filters.training.recipe import LABELS, Recipe

TESTS = (
    ("toxicity/jigsaw_wikipedia", "toxicity"),
    ("toxicity/jigsaw_bias_templates", "toxicity"),
    ("toxicity/jigsaw_samples", "toxicity"),
    ("toxicity/jigsaw_samples", "obscene"),
    ("toxicity/jigsaw_samples", "insult"),
    ("toxicity/hatecheck", "toxicity"),
    ("toxicity/hatecheck", "identity_attack"),
    ("toxicity/dynahate", "identity_attack"),
    ("toxicity/measuring_hate_speech_ken20", "identity_attack"),
    ("misuse/harmbench", "misuse"),
    ("misuse/jbb200", "misuse"),
    ("misuse/simplesafetytests", "misuse"),
    ("misuse/mitre_frr", "misuse"),
    ("misuse/jailbreakbench_artifacts", "misuse"),
    ("misuse/sms_spam", "spam"),
    ("misuse/spamassassin", "spam"),
)
_LEAST_THRESHOLD = 0.5
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


def harmless_texts(data: Path, *, check: bool, limit: int) -> dict[str, list[str]]:
    """Return texts that were not trained on and that nothing should flag, by source."""
    texts = {
        source: passages[:: max(1, len(passages) // limit)]
        for source, passages in prose.held_back_prose(data, check=check).items()
    }
    if not check:
        recipe = Recipe()
        texts["benign prompts"] = [
            row.text
            for row in rows.read_training_rows(data, recipe)
            if row.origin.startswith("benign_") and rows.is_held_back(row, recipe)
        ]
    return texts


def thresholds(harmless: dict[str, list[float]], rate: float) -> dict[str, float]:
    """Return for each label the lowest threshold, in hundredths, that flags at most ``rate``."""
    chosen: dict[str, float] = {}
    for label, scores in harmless.items():
        ranked = np.sort(np.array(scores))[::-1]
        highest_allowed = float(ranked[math.floor(rate * len(ranked))])
        above = math.floor(highest_allowed * 100 + 1) / 100
        chosen[label] = min(max(above, _LEAST_THRESHOLD), _MOST_THRESHOLD)
    return chosen


def table(classifier: Classifier, data: Path, policy: Policy, limit: int) -> list[str]:
    """Return the lines of the card's table of test sets."""
    lines = [
        "| test set | label | rows | AUC | AP | threshold | recall | false positives | texts/s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    filters = (bundled_toxicity(classifier), bundled_misuse(classifier))
    for name, label in TESTS:
        filter_name = "toxicity" if label in TOXICITY_LABELS else "misuse"
        _, bare, scores = label_scores(filters, f"{filter_name}.{label}")
        result = evaluate(
            read_rows(data / "test" / f"{name}.jsonl.gz")[:limit],
            label=bare,
            scores=scores,
            threshold=policy.thresholds[filter_name][label],
        )
        cells = (result.auc, result.average_precision, result.threshold)
        shares = (result.recall, result.false_positive_rate)
        lines.append(
            f"| {name} | {label} | {result.rows} | {' | '.join(map(_number, (*cells, *shares)))} "
            f"| {result.texts_per_second:.0f} |"
        )
    return lines


def harmless_table(classifier: Classifier, data: Path, policy: Policy, limit: int) -> list[str]:
    """Return the lines of the card's table of harmless text: the share that anything flags."""
    rule = {**policy.thresholds["toxicity"], **policy.thresholds["misuse"]}
    lines = ["| harmless text | passages | flagged | by |", "|---|---|---|---|"]
    for name, texts in harmless_texts(data, check=True, limit=limit).items():
        found = scores_of(classifier, texts)
        over = {label: np.array(found[label]) >= rule[label] for label in LABELS}
        by = ", ".join(f"{label} {int(each.sum())}" for label, each in over.items() if each.any())
        flagged = int(np.logical_or.reduce(list(over.values())).sum())
        lines.append(f"| {name} | {len(texts)} | {flagged} | {by} |")
    return lines


def policy_lines(classifier: Classifier, data: Path, rate: float, limit: int) -> list[str]:
    """Return the rules of a policy that flags at most ``rate`` of harmless text for each label."""
    texts = [
        text for part in harmless_texts(data, check=False, limit=limit).values() for text in part
    ]
    chosen = thresholds(scores_of(classifier, texts), rate)
    lines = [f"# At most {rate:.2%} of {len(texts)} harmless texts reach each threshold."]
    for name, labels in (("toxicity", TOXICITY_LABELS), ("misuse", MISUSE_LABELS)):
        lines += ["", f"[rules.{name}]", *(f"{label} = {chosen[label]:.2f}" for label in labels)]
    return lines


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def main() -> None:
    """Print the tables, or the rules for a rate of false positives."""
    parser = argparse.ArgumentParser(description="Judge a trained classifier.")
    parser.add_argument("--data", type=Path, required=True, help="folder with test/ and text/")
    parser.add_argument("--weights", type=Path, required=True, help="folder that train wrote")
    parser.add_argument("--limit", type=int, default=10**6, help="rows of each set at most")
    parser.add_argument("--rate", type=float, help="choose thresholds for this rate instead")
    chosen = parser.parse_args()
    digest = check_listed(chosen.weights)[pack.CHECKPOINT]
    source = CheckpointSource(
        chosen.weights / pack.CHECKPOINT, chosen.weights / pack.CONFIG, digest
    )
    classifier = load_classifier(source)
    if chosen.rate:
        lines = policy_lines(classifier, chosen.data, chosen.rate, chosen.limit)
    else:
        policy = default_policy()
        lines = [*table(classifier, chosen.data, policy, chosen.limit), ""]
        lines += harmless_table(classifier, chosen.data, policy, chosen.limit)
    print("\n".join(lines))  # noqa: T201  the output of a command


if __name__ == "__main__":
    main()
