"""Tensors as the bits that a checkpoint's files hold, whatever the format of the file.

Bits are unsigned integers of the element's size and never numbers: nothing is rounded,
no NaN is quietened, and bfloat16, which numpy does not have, is as good as any other.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from registry.checkpoints.headers import ITEM_BYTES, read_header
from registry.errors import BadCheckpoint

Bits = NDArray[np.unsignedinteger[Any]]

_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor of a file.

    Attributes:
        name: As the file has it.
        dtype: A key of ``registry.checkpoints.headers.ITEM_BYTES``, such as ``BF16``.
        bits: An array of the tensor's shape whose elements are unsigned, little-endian
            and as large as the dtype's; read-only, mapped from the file, and possibly a
            strided view of a larger array.
    """

    name: str
    dtype: str
    bits: Bits

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the dimensions; ``()`` is one number."""
        return self.bits.shape

    @property
    def size_bytes(self) -> int:
        """How many bytes its elements have together."""
        return self.bits.size * self.bits.itemsize


def unsigned(dtype: str) -> np.dtype[Any]:
    """Return the little-endian unsigned type that holds the bits of a dtype."""
    return np.dtype(_UNSIGNED[ITEM_BYTES[dtype]]).newbyteorder("<")


def read_safetensors(file: Path) -> list[StoredTensor]:
    """Map the tensors of a safetensors file, in the order of their bytes.

    The file must not be cut short while they are in use: the process would be killed.

    Raises:
        BadCheckpoint: It is no sound safetensors file.
        PickledWeights: It is a pickle under another name.
    """
    header = read_header(file)
    if not header.tensors:
        return []
    mapped = np.memmap(file, dtype=np.uint8, mode="r")
    try:
        return [
            StoredTensor(
                each.name,
                each.dtype,
                mapped[each.begin : each.end].view(unsigned(each.dtype)).reshape(each.shape),
            )
            for each in header.tensors
        ]
    except ValueError as error:
        # Too many dimensions, or sizes that no memory has beside a size of nothing.
        raise BadCheckpoint(
            f"{file.name} has a tensor whose shape makes no sense: get the file again",
            file=file.name,
        ) from error
