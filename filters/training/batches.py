"""Turn rows into batches of tensors.

Shapes: ``b`` texts of a batch, ``t`` tokens, ``c`` labels.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from filters.training.recipe import LABELS, Recipe
from filters.training.variation import Variation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tokenizers import Tokenizer
    from torch import Tensor

    from filters.training.rows import Row

HARMFUL = 0.5
_ENDS = 2
_POOL = 40
_LENGTH_STEP = 16
_INDEX = {label: index for index, label in enumerate(LABELS)}


@dataclass(frozen=True)
class Batch:
    """One step's texts.

    Attributes:
        ids: ``(b, t)`` token ids, padded with 0.
        mask: ``(b, t)``, 1 where there is a token.
        truth: ``(b, c)``, from 0.0 to 1.0.
        weight: ``(b, c)``, how well the label is known; 0.0 where it is not.
    """

    ids: Tensor
    mask: Tensor
    truth: Tensor
    weight: Tensor


def batches(
    rows: Sequence[Row], prose: Sequence[str], tokenizer: Tokenizer, recipe: Recipe, epoch: int
) -> list[Batch]:
    """Return every row once, in a random order of batches whose texts are of like length."""
    dice = random.Random(recipe.seed + epoch)  # noqa: S311  a shuffle, not a secret
    order = list(rows)
    dice.shuffle(order)
    varied = Variation(dice, prose, recipe)
    texts = [varied.of(row.text) for row in order]
    encodings = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    pieces = tokenizer.get_vocab()
    begin, end = pieces["[CLS]"], pieces["[SEP]"]
    encoded = [
        [begin, *_part(encoding.ids, row, recipe, dice), end]
        for encoding, row in zip(encodings, order, strict=True)
    ]
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


def _part(ids: Sequence[int], row: Row, recipe: Recipe, dice: random.Random) -> Sequence[int]:
    """Return the window to learn from: of a harmless text any, of another the first."""
    size = dice.choice(recipe.windows) - _ENDS
    spare = len(ids) - size
    harmless = all(value < HARMFUL for value, _ in row.labels.values())
    first = dice.randrange(spare + 1) if spare > 0 and harmless else 0
    return ids[first : first + size]


def _slices(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (items[start : start + size] for start in range(0, len(items), size))
