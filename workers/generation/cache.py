"""The keys and values of the rows that are running.

Shapes: ``b`` rows, ``h`` key/value heads, ``t`` positions, ``d`` numbers per head.

All of it is one block of memory for each layer, made once, of as many positions as the budget
has. It is laid out as a grid: a place for each row, each as long as the longest row can come
to. A step writes in place and copies nothing; only when longer or more rows come than the grid
has places for is it laid out anew, in the same memory.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from workers.generation.room import span_of


class Cache:
    """Keys and values of all layers.

    Args:
        layers: How many.
        heads: ``h``.
        head_dim: ``d``.
        budget_bytes: What all of it may take.

    Attributes:
        positions: How many the budget is enough for, of all rows together.
    """

    def __init__(
        self,
        *,
        layers: int,
        heads: int,
        head_dim: int,
        budget_bytes: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        each = heads * head_dim
        self.positions = budget_bytes // (2 * layers * each * dtype.itemsize)
        self._shape = (heads, head_dim)
        self._blocks = [
            _zeros(self.positions * each, device=device, dtype=dtype) for _ in range(2 * layers)
        ]
        self._span = self._rows = 0
        self._grids: list[Tensor] = []

    def reserve(self, limits: Sequence[int]) -> None:
        """Have a place for so many rows, the longest of these limits each; keep what is there."""
        span = span_of(max(limits))
        if span <= self._span and len(limits) <= self._rows:
            return
        rows = self.positions // span
        if len(limits) > rows:
            raise ValueError("more rows than the cache has room for")
        heads, head_dim = self._shape
        grids = [
            block[: rows * heads * span * head_dim].view(rows, heads, span, head_dim)
            for block in self._blocks
        ]
        kept_rows, kept = min(self._rows, len(limits)), min(self._span, span)
        for old, new in zip(self._grids, grids, strict=False):
            # Old and new places overlap, so what is kept goes through a copy.
            new[:kept_rows, :, :kept] = old[:kept_rows, :, :kept].clone()
        self._grids, self._span, self._rows = grids, span, rows

    def move(self, places: Sequence[tuple[int, int, int]]) -> None:
        """Move rows: from a place, to a place, so many positions; in this order."""
        for grid in self._grids if places else []:
            for start, end, count in places:
                grid[end, :, :count] = grid[start, :, :count]

    def clear(self) -> None:
        """Forget everything; what is no number would spoil the sums of later rows."""
        for block in self._blocks:
            block.zero_()

    def layer(self, number: int) -> tuple[Tensor, Tensor]:
        """Return the keys and values of a layer, both ``(b, h, t, d)``, to write into."""
        return self._grids[2 * number], self._grids[2 * number + 1]


def _zeros(count: int, *, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return ``(count,)`` zeros; on a CPU in pages that take no memory before they are used."""
    if device.type != "cpu":
        return torch.zeros(count, device=device, dtype=dtype)
    return torch.from_numpy(np.zeros(count * dtype.itemsize, dtype=np.uint8)).view(dtype)
