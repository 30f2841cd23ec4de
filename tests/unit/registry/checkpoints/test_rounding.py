import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from registry.checkpoints.rounding import BF16_NAN, converted, is_rounded, to_bf16
from registry.checkpoints.stored import Bits

EVERY_HALF = np.arange(1 << 16, dtype="<u2")
CORNERS = np.array(
    [
        0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007FFFFF, 0x00800000,  # zero, subnormal
        0x3F807FFF, 0x3F808000, 0x3F808001, 0x3F818000, 0x3F818001,  # around a half
        0x7F7F7FFF, 0x7F7F8000, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000, 0xFF800000,  # overflow
        0x7F800001, 0x7FFFFFFF, 0x7FC00000, 0xFF800001, 0xFFFFFFFF,  # quiet and signalling NaN
    ],
    dtype="<u4",
)  # fmt: skip


def torch_cast(numbers: NDArray[np.floating]) -> Bits:
    """Return what torch makes of numbers, with one NaN for all."""
    cast = torch.from_numpy(numbers).to(torch.bfloat16)
    bits = cast.view(torch.int16).numpy().view("<u2").copy()
    bits[np.isnan(numbers)] = BF16_NAN
    return bits


def test_every_half_is_rounded_as_torch_rounds_it() -> None:
    cast = to_bf16(EVERY_HALF, "F16")

    assert np.array_equal(cast, torch_cast(EVERY_HALF.view("<f2")))


def test_the_corner_cases_of_single_precision_are_rounded_as_torch_rounds_them() -> None:
    cast = to_bf16(CORNERS, "F32")

    assert np.array_equal(cast, torch_cast(CORNERS.view("<f4")))


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=300))
def test_any_bits_of_single_precision_are_rounded_as_torch_rounds_them(values: list[int]) -> None:
    bits = np.array(values, dtype="<u4")

    cast = to_bf16(bits, "F32")

    assert np.array_equal(cast, torch_cast(bits.view("<f4")))


def test_what_is_rounded_is_not_modified() -> None:
    before = CORNERS.copy()

    to_bf16(CORNERS, "F32")

    assert np.array_equal(CORNERS, before)


def test_only_wider_floating_point_types_are_rounded() -> None:
    assert [each for each in ("F16", "F32", "BF16", "F64", "I32", "U8") if is_rounded(each)] == [
        "F16",
        "F32",
    ]
    with pytest.raises(ValueError, match="BF16"):
        to_bf16(EVERY_HALF, "BF16")


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_wider_storage_of_the_same_numbers_can_be_undone(dtype: str) -> None:
    infinity = 0x7C00 if dtype == "F16" else 0x7F80
    magnitude = EVERY_HALF & 0x7FFF
    numbers = EVERY_HALF[magnitude <= infinity]

    wide = converted(numbers, dtype, to="F32")

    assert wide is not None
    assert wide.itemsize == 4
    back = converted(wide, "F32", to=dtype)
    assert back is not None
    assert np.array_equal(back, numbers)


def test_numbers_that_do_not_fit_are_not_converted() -> None:
    third = np.array([1 / 3], dtype="<f4").view("<u4")
    large = np.array([1e6], dtype="<f4").view("<u4")
    nan = np.array([0x7FC0], dtype="<u2")

    assert converted(third, "F32", to="BF16") is None
    assert converted(large, "F32", to="F16") is None
    assert converted(nan, "BF16", to="F32") is None
    assert converted(third, "F32", to="I32") is None
