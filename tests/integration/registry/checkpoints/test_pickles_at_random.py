import io
import math
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from registry.checkpoints.pickles import tensors_of
from registry.errors import RefusedPickle

INTEGERS = {torch.float16: torch.int16, torch.bfloat16: torch.int16, torch.float32: torch.int32}

names = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=40
)


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    """Draw a tensor of up to three dimensions: whole, turned, sliced or one row of another."""
    dtype = draw(st.sampled_from([*INTEGERS, torch.int64, torch.uint8]))
    shape = draw(st.lists(st.integers(0, 5), max_size=3))
    numbers = torch.arange(math.prod(shape), dtype=torch.int64) * 2_654_435_761
    whole = numbers.to(INTEGERS.get(dtype, dtype)).view(dtype)
    whole = whole.reshape(shape)
    if whole.dim() and draw(st.booleans()):
        whole = whole.permute(draw(st.permutations(range(whole.dim()))))
    if whole.dim() and draw(st.booleans()):
        start, step = draw(st.integers(0, 5)), draw(st.integers(1, 3))
        whole = whole[start::step]
    return whole


def saved(state: dict[str, Tensor]) -> bytes:
    sink = io.BytesIO()
    torch.save(state, sink)
    return sink.getvalue()


def bits(tensor: Tensor) -> Any:
    whole = tensor.contiguous()
    return whole.view(INTEGERS.get(whole.dtype, whole.dtype)).numpy()


@given(st.dictionaries(names, tensors(), max_size=6))
def test_any_state_dict_that_torch_saves_is_read_as_it_was(state: dict[str, Tensor]) -> None:
    found = tensors_of(memoryview(saved(state)), file="weights.pth")

    assert [each.name for each in found] == list(state)
    for each, tensor in zip(found, state.values(), strict=True):
        assert each.shape == tuple(tensor.shape)
        expected = bits(tensor)
        assert np.array_equal(each.bits.view(expected.dtype), expected)


FILE = saved({"layers.0.weight": torch.rand(4, 3).half().T, "norm": torch.ones(3)})


@given(
    st.lists(st.tuples(st.integers(0, len(FILE) - 1), st.integers(1, 255)), min_size=1, max_size=4)
)
def test_flipped_bits_are_refused_or_are_bits_of_a_tensor(flips: list[tuple[int, int]]) -> None:
    data = bytearray(FILE)
    for place, mask in flips:
        data[place] ^= mask

    with suppress(RefusedPickle):
        found = tensors_of(memoryview(bytes(data)), file="weights.pth")

        assert [(each.name, each.shape) for each in found] == [
            ("layers.0.weight", (3, 4)),
            ("norm", (3,)),
        ]


@given(st.integers(0, len(FILE) - 1))
def test_a_file_that_is_cut_short_anywhere_is_refused(length: int) -> None:
    with suppress(RefusedPickle):
        tensors_of(memoryview(FILE[:length]), file="weights.pth")

        raise AssertionError(length)


@given(st.binary(max_size=300))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    with suppress(RefusedPickle):
        tensors_of(memoryview(data), file="weights.pth")

        raise AssertionError(data)
