"""Products with weights: plain, or laid out once for the processor's matrix kernels.

A plain product hands its weights to the kernel in the order of the file, and the kernel sorts
them anew on every call, or is chosen badly for few rows. oneDNN can keep them sorted.

Source: oneDNN developer guide, "Memory format propagation"; torch's inductor lays out frozen
weights with the same two operations.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

Product = Callable[[Tensor], Tensor]

_ROWS = 32
"""Rows of the products that the layout is chosen for."""


def product(layers: Sequence[nn.Linear], *, device: torch.device, dtype: torch.dtype) -> Product:
    """Return one product that does the work of several layers with the same input.

    The layers are emptied, so that there are never two copies of all weights.

    Args:
        layers: Linear layers of one width.
        device: Where to compute.
        dtype: In which precision.

    Returns:
        A function of ``(n, in)`` that returns ``(n, out)``, the layers' outputs side by side.
    """
    weight = torch.cat([each.weight.detach().to(device, dtype) for each in layers])
    biases = [each.bias.detach().to(device, dtype) for each in layers if _has_bias(each)]
    bias = torch.cat(biases) if biases else None
    for each in layers:
        each.weight.data = each.weight.data.new_empty(0)
    if device.type == "cpu" and dtype is torch.float32 and torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return _packed(weight, bias)
    return lambda rows: functional.linear(rows, weight, bias)


def _has_bias(layer: nn.Linear) -> bool:
    bias: Tensor | None = layer.bias
    return bias is not None


def _packed(weight: Tensor, bias: Tensor | None) -> Product:
    sorted_weight = torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS)  # noqa: SLF001

    def multiply(rows: Tensor) -> Tensor:
        result: Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001
            rows, sorted_weight, bias, "none", [], ""
        )
        return result

    return multiply
