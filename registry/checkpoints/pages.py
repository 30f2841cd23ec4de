"""Mapped files without their pages piling up in memory.

What is read of a mapped file counts as this process's memory until the system takes it
back, which it does late. Who walks through a checkpoint lets go of what lies behind.
"""

import mmap

import numpy as np
from numpy.lib.array_utils import byte_bounds

from registry.checkpoints.stored import Bits


def drop(bits: Bits) -> None:
    """Give back the pages of the file that an array is mapped from; nothing for other arrays.

    The array stays good: reading it again brings the pages back. Only for mappings that
    nobody writes to.
    """
    mapped = _mapping_of(bits)
    if mapped is None or not bits.size:
        return
    base = np.frombuffer(mapped, dtype=np.uint8).ctypes.data
    low, high = byte_bounds(bits)
    begin = (low - base) // mmap.PAGESIZE * mmap.PAGESIZE
    mapped.madvise(mmap.MADV_DONTNEED, begin, high - base - begin)


def _mapping_of(bits: Bits) -> mmap.mmap | None:
    base: object = bits
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    return base if isinstance(base, mmap.mmap) else None
