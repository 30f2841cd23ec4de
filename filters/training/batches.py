"""Turn rows into batches of tensors.

Shapes: ``b`` texts of a batch, ``t`` tokens, ``c`` labels.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from filters.training.recipe import LABELS, Recipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tokenizers import Tokenizer
    from torch import Tensor

    from filters.training.rows import Row

_POOL = 40
_LENGTH_STEP = 16
_INDEX = {label: index for index, label in enumerate(LABELS)}


@dataclass(frozen=True)
class Batch:
    """One step's texts.

    Attributes:
        ids: ``(b, t)`` token ids, padded with 0.
        mask: ``(b, t)``, 1 where there is a token.
        truth: ``(b, c)``, 1.0 or 0.0.
        weight: ``(b, c)``, how well the label is known; 0.0 where it is not.
    """

    ids: Tensor
    mask: Tensor
    truth: Tensor
    weight: Tensor


def batches(
    rows: Sequence[Row], prose: Sequence[Row], tokenizer: Tokenizer, recipe: Recipe, epoch: int
) -> list[Batch]:
    """Return every row once, in a random order of batches whose texts are of like length."""
    dice = random.Random(recipe.seed + epoch)  # noqa: S311  a shuffle, not a secret
    order = list(rows)
    dice.shuffle(order)
    texts = [
        _embed(row.text, prose, dice) if dice.random() < recipe.embedded else row.text
        for row in order
    ]
    encoded = [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]
    made: list[Batch] = []
    for pool in _slices(range(len(order)), recipe.batch * _POOL):
        by_length = sorted(pool, key=lambda index: len(encoded[index]))
        made += [
            collate([encoded[i] for i in part], [order[i] for i in part])
            for part in _slices(by_length, recipe.batch)
        ]
    dice.shuffle(made)
    return made


def collate(encoded: Sequence[Sequence[int]], rows: Sequence[Row]) -> Batch:
    """Pad to a multiple of 16 tokens: few shapes, so compiled kernels are used again."""
    longest = max(map(len, encoded))
    width = -(-longest // _LENGTH_STEP) * _LENGTH_STEP
    ids = torch.zeros(len(encoded), width, dtype=torch.long)  # (b, t)
    truth = torch.zeros(len(encoded), len(LABELS))  # (b, c)
    weight = torch.zeros(len(encoded), len(LABELS))  # (b, c)
    for number, (tokens, row) in enumerate(zip(encoded, rows, strict=True)):
        ids[number, : len(tokens)] = torch.tensor(tokens)
        for label, (value, known) in row.labels.items():
            truth[number, _INDEX[label]] = value
            weight[number, _INDEX[label]] = known
    return Batch(ids, (ids > 0).long(), truth, weight)


def _embed(text: str, prose: Sequence[Row], dice: random.Random) -> str:
    """Put a text before, after or between harmless passages; what it says stays as bad as it is."""
    before, after = dice.choice(prose).text[:200], dice.choice(prose).text[:200]
    return dice.choice((f"{before} {text}", f"{text} {after}", f"{before} {text} {after}"))


def _slices(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (items[start : start + size] for start in range(0, len(items), size))
