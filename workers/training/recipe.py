"""The recipe of a training run, read from a TOML file."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Source:
    """One text file of the corpus.

    Attributes:
        name: Which rule splits it into documents.
        file: Its name in the data folder.
        sha256: Digest of the file as it lies there, compressed.
        repeats: Times that each of its documents is read in one epoch.
    """

    name: str
    file: str
    sha256: str
    repeats: int


@dataclass(frozen=True)
class Shape:
    """The sizes of the model, named as in the ``config.json`` of a LLaMA release."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    max_position_embeddings: int
    rope_theta: float
    rms_norm_eps: float


@dataclass(frozen=True)
class Schedule:
    """How the learning rate rises, holds and falls, as a share of its peak.

    Source: Hu et al., "MiniCPM: Unveiling the Potential of Small Language Models with
    Scalable Training Strategies", 2024, section 4.2 (warm-up, stable, decay).
    """

    steps: int
    warmup_steps: int
    decay_steps: int

    def share(self, step: int) -> float:
        """Return the share of the peak learning rate at a step, the first being 0."""
        rising = (step + 1) / self.warmup_steps
        falling = (self.steps - step) / self.decay_steps
        return max(0.0, min(1.0, rising, falling))


@dataclass(frozen=True)
class Training:
    """The optimizer's settings and the rhythm of a run.

    Attributes:
        seed: Decides the first weights and the order of the documents.
        threads: Sums are split by thread, so another number gives other low bits.
        rows_per_step: Rows of ``max_position_embeddings`` tokens in one step.
    """

    seed: int
    threads: int
    rows_per_step: int
    muon_learning_rate: float
    adamw_learning_rate: float
    momentum: float
    weight_decay: float
    gradient_norm_limit: float
    evaluate_every: int
    checkpoint_every: int


@dataclass(frozen=True)
class Recipe:
    """Everything that shapes the weights, apart from software and machine."""

    sources: tuple[Source, ...]
    heldout_one_in: int
    shape: Shape
    schedule: Schedule
    training: Training


def parse_recipe(document: dict[str, Any]) -> Recipe:
    """Build a recipe from parsed TOML.

    Raises:
        KeyError: A table is missing.
        TypeError: A table has a field too many or too few.
    """
    corpus = document["corpus"]
    return Recipe(
        sources=tuple(Source(**source) for source in corpus["sources"]),
        heldout_one_in=corpus["heldout_one_in"],
        shape=Shape(**document["model"]),
        schedule=Schedule(**document["schedule"]),
        training=Training(**document["training"]),
    )


def read_recipe(path: Path) -> Recipe:
    """Read a recipe file; errors are those of ``parse_recipe`` and ``tomllib``."""
    return parse_recipe(tomllib.loads(path.read_text(encoding="utf-8")))
