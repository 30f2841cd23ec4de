"""Weights laid out once for the processor's matrix kernels.

A plain linear layer hands its weights to the kernel in the order of the file, and the kernel sorts
them anew on every call. oneDNN can keep them sorted; the same numbers come out, to the last digits.

Source: oneDNN developer guide, "Memory format propagation"; torch's inductor lays out frozen
weights with the same two operations.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_ROWS = 4_096
"""Rows of the products that the layout is chosen for."""


class PackedLinear(nn.Module):
    """A linear layer with a bias, for inference; its weights are in oneDNN's own layout."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self._weight = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), _ROWS)  # noqa: SLF001
        self._bias = linear.bias.detach()

    def forward(self, rows: Tensor) -> Tensor:
        """Return ``rows @ weight.T + bias``; shapes as those of ``torch.nn.Linear``."""
        packed: Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001
            rows, self._weight, self._bias, "none", [], ""
        )
        return packed


def pack_linear_layers(model: nn.Module) -> None:
    """Replace the model's linear layers, in place, where this build of torch has oneDNN."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return
    for name, layer in list(model.named_modules()):
        if isinstance(layer, nn.Linear) and layer.bias.dtype is torch.float32:
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, PackedLinear(layer))
