from __future__ import annotations

import pytest
import torch
from torch import nn

from filters.packing import pack_linear_layers


@pytest.mark.parametrize("rows", [1, 3, 64])
def test_packed_layers_compute_the_same_numbers(rows: int) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(24, 48), nn.GELU(), nn.Linear(48, 5)).requires_grad_(
        requires_grad=False
    )
    given = torch.randn(2, rows, 24)
    expected = model(given)

    pack_linear_layers(model)

    assert not any(isinstance(each, nn.Linear) for each in model)
    assert torch.allclose(model(given), expected, atol=1e-5)
