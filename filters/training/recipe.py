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

_REPEATS = {
    "advbench": 2,
    "benign_arena": 3,
    "benign_self_instruct": 2,
    "catqa_harmfulqa": 2,
    "context_toxicity": 3,
    "convabuse": 2,
    "malicious_instruct": 4,
    "malicious_tasks_dataset": 6,
    "measuring_hate_speech_ken20": 2,
}


@dataclass(frozen=True)
class Recipe:
    """One training run, reproducible up to the order of floating point additions.

    Attributes:
        vocabulary: Pieces kept of the start model's vocabulary.
        symbols: Characters the start model does not know, emoji above all, that get a piece.
        window: Tokens of a window at inference.
        windows: Tokens of a longer text that are learned from, one of these each time.
        batch: Texts of one step.
        learning_rate: Peak of the linear warm-up and linear decay.
        warm_up: Share of the training in which the rate rises.
        averaged: Decay of the running mean of the weights; the mean is what is written.
        main_labels: Labels that count fully in the loss.
        side_weight: Weight of every other label.
        weak_weight: Weight of a label that a data set makes likely but does not state.
        weak_positive: What a label is taken for that a data set makes likely.
        noisy_weight: Weight of every label of a row that is known to be loose.
        rare_boost: Largest factor on the positives of a rare side label.
        swapped: Share of the rows in which groups are exchanged for others of their kind.
        misspelt: Share of the rows in which a word or two are spelt wrongly.
        undressed: Share of the rows that lose the marks of a tweet.
        embedded: Share of the shorter rows that are learned inside harmless prose.
        embedded_limit: Characters of a row that may be embedded.
        dressed: Share of the rows that get the marks of a talk page, a mail or a forum.
        repeats: How often the rows of small, telling sets are taken.
        offensive_cap: Rows taken at most from tweets that are offensive without aiming at a group.
        contrast: Rows made from each form of ``contrast.toml``, at most.
        held_back: Out of 256 rows, how many are kept for choosing thresholds.
    """

    vocabulary: int = 9_600
    symbols: int = 250
    window: int = 256
    windows: tuple[int, ...] = (96, 160, 256)
    batch: int = 64
    epochs: int = 2
    learning_rate: float = 2e-4
    weight_decay: float = 0.01
    warm_up: float = 0.06
    averaged: float = 0.998
    seed: int = 20230224
    main_labels: frozenset[str] = frozenset({"toxicity", "identity_attack", "misuse"})
    side_weight: float = 0.3
    weak_weight: float = 0.4
    weak_positive: float = 0.6
    noisy_weight: float = 0.3
    rare_boost: float = 6.0
    swapped: float = 0.35
    misspelt: float = 0.12
    undressed: float = 0.5
    embedded: float = 0.15
    embedded_limit: int = 400
    dressed: float = 0.12
    repeats: Mapping[str, int] = field(default_factory=lambda: dict(_REPEATS))
    offensive_cap: int = 10_000
    contrast: int = 200
    held_back: int = 8
