"""From one floating-point type to another, on bits.

To bfloat16, numbers are rounded to the nearest and halves to the even one; what is beyond
the largest finite number becomes an infinity, and subnormal numbers are kept. Every NaN
becomes ``0x7FC0``: programs differ in which NaN they make, and a NaN is no weight.

Source: IEEE 754-2019, section 4.3.1, roundTiesToEven; bfloat16 is the upper half of binary32.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from registry.checkpoints.stored import Bits, unsigned

BF16_NAN = 0x7FC0

_HALF_BITS = 16
_BELOW_HALF = np.uint32(0x7FFF)


def is_rounded(dtype: str) -> bool:
    """Return whether numbers of a dtype are changed by the cast to bfloat16."""
    return dtype in {"F16", "F32"}


def to_bf16(bits: Bits, dtype: str) -> Bits:
    """Return the bits of an ``F16`` or ``F32`` array after the cast to bfloat16.

    Raises:
        ValueError: The dtype is another.
    """
    if dtype == "F16":
        # Every index is below the table's length, so the cheapest mode is as good as any.
        return _bf16_of_f16().take(bits, mode="wrap")
    if dtype == "F32":
        return _round_f32(bits)
    raise ValueError(f"{dtype} is not cast to bfloat16")


def converted(bits: Bits, dtype: str, *, to: str) -> Bits | None:
    """Return the bits of the same numbers in another dtype; ``None`` if they do not fit.

    Infinities and zeros keep their sign. An array with a NaN fits no other dtype.
    """
    if dtype == to:
        return bits
    numbers = _as_f32(bits, dtype)
    if numbers is None or np.isnan(numbers).any():
        return None
    changed = _from_f32(numbers, to)
    if changed is None:
        return None
    back = _as_f32(changed, to)
    # Bits, not numbers, so that the two zeros are told apart.
    same = back is not None and np.array_equal(back.view("<u4"), numbers.view("<u4"))
    return changed if same else None


def _as_f32(bits: Bits, dtype: str) -> NDArray[np.float32] | None:
    if dtype == "F32":
        return bits.view("<f4")
    if dtype == "F16":
        return bits.view("<f2").astype("<f4")
    if dtype == "BF16":
        return (bits.astype("<u4") << np.uint32(_HALF_BITS)).view("<f4")
    return None


def _from_f32(numbers: NDArray[np.float32], dtype: str) -> Bits | None:
    if dtype == "F32":
        return numbers.view("<u4")
    if dtype == "F16":
        with np.errstate(over="ignore"):
            return numbers.astype("<f2").view("<u2")
    if dtype == "BF16":
        return _round_f32(numbers.view("<u4"))
    return None


def _round_f32(bits: NDArray[Any]) -> Bits:
    rounded = bits >> np.uint32(_HALF_BITS)
    rounded &= np.uint32(1)
    rounded += _BELOW_HALF
    rounded += bits  # a carry into the upper half is the rounding up
    rounded >>= np.uint32(_HALF_BITS)
    cast = rounded.astype(unsigned("BF16"))
    numbers = bits.view("<f4")
    # The greatest number is NaN if any is, and finding it is cheaper than asking each.
    if numbers.size and np.isnan(numbers.max()):
        cast[np.isnan(numbers)] = BF16_NAN
    return cast


@cache
def _bf16_of_f16() -> NDArray[np.uint16]:
    """Return the result for each of the 65,536 values."""
    every = np.arange(1 << 16, dtype="<u2").view("<f2")
    return _round_f32(every.astype("<f4").view("<u4"))
