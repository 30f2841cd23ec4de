"""Which labels are measured on which data sets, and what they should reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Measure = Literal["auc", "accuracy", "recall", "false_positive_rate"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should reach.

    Attributes:
        measure: Which figure; all but the AUC are for the policy's threshold.
        bound: The number to reach.
        is_least: Whether the figure should be at least this, or at most.
    """

    measure: Measure
    bound: float
    is_least: bool = True

    def is_reached_by(self, value: float) -> bool:
        """Return whether a figure is good enough."""
        return value >= self.bound if self.is_least else value <= self.bound


@dataclass(frozen=True, slots=True)
class Question:
    """One label on one data set.

    Attributes:
        dataset: The file ``DATA/test/<dataset>.jsonl.gz``.
        label: Filter and label, such as ``misuse.spam``.
        targets: What its figures should reach.
    """

    dataset: str
    label: str
    targets: tuple[Target, ...] = ()


def _auc(bound: float) -> Target:
    return Target("auc", bound)


HATECHECK = "toxicity/hatecheck"
TEMPLATES = "toxicity/jigsaw_bias_templates"
BENIGN_PROMPTS = ("misuse/jbb200", "misuse/mitre_frr")
HARMFUL_PROMPTS = ("misuse/harmbench", "misuse/jbb200", "misuse/simplesafetytests")
PRESIDIO, GITLEAKS = "pii/presidio", "secrets/gitleaks"
PERSONAL = "personal"
CLAIMED = frozenset(
    {"CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "PHONE_NUMBER", "US_SSN"}
    | {"US_DRIVER_LICENSE"}
)
"""The types of personal data in Presidio's set that the filter claims to find."""

SPAN_RECALL = {PRESIDIO: 0.85, GITLEAKS: 0.95}
CLEAN_RATE = 0.005
"""Largest allowed share of clean texts in which secrets or personal data are seen."""

SPREAD_LIMIT = 0.10
"""Largest allowed difference of false-positive rate between two identity terms."""

_TOXICITY, _ATTACK = "toxicity.toxicity", "toxicity.identity_attack"
_MISUSE, _SPAM = "misuse.misuse", "misuse.spam"

QUESTIONS = (
    Question("toxicity/jigsaw_wikipedia", _TOXICITY, (_auc(0.965),)),
    Question("toxicity/jigsaw_samples", _TOXICITY),
    Question("toxicity/jigsaw_samples", "toxicity.obscene"),
    Question("toxicity/jigsaw_samples", "toxicity.insult"),
    Question(TEMPLATES, _TOXICITY),
    Question(HATECHECK, _TOXICITY, (_auc(0.82), Target("accuracy", 0.74))),
    Question(HATECHECK, _ATTACK, (_auc(0.82), Target("accuracy", 0.74))),
    Question("toxicity/dynahate", _ATTACK, (_auc(0.80),)),
    Question("toxicity/measuring_hate_speech_ken20", _ATTACK, (_auc(0.88),)),
    Question("misuse/jbb200", _MISUSE, (_auc(0.88),)),
    Question("misuse/harmbench", _MISUSE, (Target("recall", 0.85),)),
    Question("misuse/simplesafetytests", _MISUSE, (Target("recall", 0.90),)),
    Question("misuse/mitre_frr", _MISUSE, (Target("false_positive_rate", 0.10, is_least=False),)),
    Question("misuse/sms_spam", _SPAM, (_auc(0.99),)),
    Question("misuse/spamassassin", _SPAM, (_auc(0.96),)),
    Question("misuse/jailbreakbench_artifacts", _MISUSE, (_auc(0.75),)),
)
DATASETS = (*dict.fromkeys(each.dataset for each in QUESTIONS), PRESIDIO, GITLEAKS)
