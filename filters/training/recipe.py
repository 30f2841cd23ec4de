"""What the bundled classifier learns, and how: every number of the training in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from filters.misuse import MISUSE_LABELS
from filters.toxicity import TOXICITY_LABELS

if TYPE_CHECKING:
    from collections.abc import Mapping

LABELS: tuple[str, ...] = (*TOXICITY_LABELS, *MISUSE_LABELS)

START_DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""sha256 of the ``model.safetensors`` of sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)."""

_CAPS = {
    "benign_exam_questions": 4_000,
    "cyberbullying_mendeley": 6_000,
    "dynahate": 26_000,
    "edos_sexism": 12_000,
    "enron_spam_1_4": 4_000,
    "gptfuzz_labelled_responses": 3_500,
    "measuring_hate_speech_ken20": 15_000,
    "openstax_clean": 7_000,
}


@dataclass(frozen=True)
class Recipe:
    """One training run, reproducible up to the order of floating point additions.

    Attributes:
        vocabulary: Pieces kept of the start model's vocabulary.
        symbols: Characters the start model does not know, emoji above all, that get a piece.
        window: Tokens of a text that are learned from, and of a window at inference.
        batch: Texts of one step.
        learning_rate: Peak of the linear warm-up and linear decay.
        warm_up: Share of the training in which the rate rises.
        main_labels: Labels that count fully in the loss.
        side_weight: Weight of every other label.
        weak_weight: Weight of a label that a data set makes likely but does not state.
        noisy_weight: Weight of every label of a row that is known to be loose.
        rare_boost: Largest factor on the positives of a rare side label.
        embedded: Share of the rows that are learned inside harmless prose.
        caps: Rows taken at most from a data set, in file order (which is random).
        offensive_cap: Rows taken at most from tweets that are offensive without aiming at a group.
        held_back: Out of 256 rows, how many are kept for choosing thresholds.
    """

    vocabulary: int = 9_600
    symbols: int = 250
    window: int = 128
    batch: int = 64
    epochs: int = 2
    learning_rate: float = 2e-4
    weight_decay: float = 0.01
    warm_up: float = 0.06
    seed: int = 20230224
    main_labels: frozenset[str] = frozenset({"toxicity", "misuse"})
    side_weight: float = 0.3
    weak_weight: float = 0.3
    noisy_weight: float = 0.3
    rare_boost: float = 8.0
    embedded: float = 0.12
    caps: Mapping[str, int] = field(default_factory=lambda: dict(_CAPS))
    offensive_cap: int = 8_000
    held_back: int = 8
