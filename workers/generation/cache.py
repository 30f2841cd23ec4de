"""The keys and values of the rows that are running.

Shapes: ``b`` rows, ``h`` key/value heads, ``t`` positions, ``d`` numbers per head.

Every row begins at position 0 of its own and has room for all it can come to, so a step
writes one position per row and copies nothing. Rows of different lengths lie side by side;
``mask`` hides what is beyond the end of the shorter ones.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import Cache


class PromptCache(Cache):
    """Collects the keys and values of prompts that are read in one pass.

    Attributes:
        tensors: One pair of ``(b, h, t, d)`` for each layer.
    """

    def __init__(self) -> None:
        super().__init__(layers=[])
        self.tensors: list[tuple[Tensor, Tensor]] = []

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: object, **__: object
    ) -> tuple[Tensor, Tensor]:
        """Keep what the next layer computed, and give it back; called in the layers' order."""
        self.tensors.append((key_states, value_states))
        return key_states, value_states


class RowCache(Cache):
    """Keys and values of all layers, as the attention of transformers asks for them."""

    def __init__(self, device: torch.device) -> None:
        super().__init__(layers=[])
        self._device = device
        self._tensors: list[tuple[Tensor, Tensor]] = []  # (b, h, t, d) each, one pair a layer
        self._lengths: list[int] = []
        self._rows = self._ends = torch.zeros(0, dtype=torch.long, device=device)  # (b,)

    def join(
        self, prompts: Sequence[tuple[Tensor, Tensor]], *, lengths: Sequence[int], room: int
    ) -> None:
        """Add rows behind the others; if that fails, nothing has changed.

        Args:
            prompts: Keys and values of each layer, ``(b, h, t, d)``, computed already.
            lengths: How many of the ``t`` positions of each new row are real.
            room: How many positions the longest of the new rows can come to.
        """
        if self._lengths:
            room = max(room, self._tensors[0][0].shape[2])
            joined = [
                (_stack(keys, more_keys, room), _stack(values, more_values, room))
                for (keys, values), (more_keys, more_values) in zip(
                    self._tensors, prompts, strict=True
                )
            ]
        else:
            joined = [(_widen(keys, room), _widen(values, room)) for keys, values in prompts]
        self._tensors = joined
        self._lengths += lengths

    def keep(self, places: Sequence[int]) -> None:
        """Hold only the rows at these places from here on."""
        chosen = torch.tensor(places, dtype=torch.long, device=self._device)
        self._tensors = (
            [(keys[chosen], values[chosen]) for keys, values in self._tensors] if places else []
        )
        self._lengths = [self._lengths[place] for place in places]

    def begin_step(self) -> tuple[Tensor, Tensor | None]:
        """Make room for one more position in every row.

        Returns:
            The positions, ``(b, 1)``, and the mask, ``(b, 1, 1, t)``, true where a row may
            look; no mask where all rows are equally long.
        """
        self._ends = torch.tensor(self._lengths, device=self._device)
        self._rows = torch.arange(len(self._lengths), device=self._device)
        self._lengths = [length + 1 for length in self._lengths]
        positions = self._ends[:, None]
        if min(self._lengths) == max(self._lengths):
            return positions, None
        columns = torch.arange(max(self._lengths), device=self._device)
        return positions, (columns <= positions)[:, None, None, :]

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: object, **__: object
    ) -> tuple[Tensor, Tensor]:
        """Write one position of every row; return all positions up to the longest row's.

        Args:
            key_states: ``(b, h, 1, d)``.
            value_states: ``(b, h, 1, d)``.
            layer_idx: Which layer asks; named as transformers names it.
        """
        span = max(self._lengths)
        keys, values = self._tensors[layer_idx]
        keys[self._rows, :, self._ends] = key_states[:, :, 0]
        values[self._rows, :, self._ends] = value_states[:, :, 0]
        return keys[:, :, :span], values[:, :, :span]


def _widen(tensor: Tensor, room: int) -> Tensor:
    """Return the tensor with room for so many positions; the added ones are zero."""
    return pad(tensor, (0, 0, 0, room - tensor.shape[2]))


def _stack(tensor: Tensor, more: Tensor, room: int) -> Tensor:
    return torch.cat([_widen(tensor, room), _widen(more, room)])
