"""What the C library does with memory that was freed; only glibc can be told."""

import ctypes
import gc

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as mallopt(3) calls them, with an M in front
KEPT_BYTES = 32 << 20
LARGE_BYTES = 16 << 20


def keep_memory_at_hand() -> None:
    """Keep some freed memory in this process: each step needs again what the one before freed.

    Left to itself glibc returns it and asks for it again, page by page, some megabytes in
    every step. Pieces of ``LARGE_BYTES`` or more still go back at once.
    """
    try:
        choose = ctypes.CDLL(None).mallopt
    except AttributeError:
        return
    choose(_TRIM_THRESHOLD, KEPT_BYTES)
    choose(_MMAP_THRESHOLD, LARGE_BYTES)


def give_back_memory() -> None:
    """Give back what nobody uses any more."""
    gc.collect()
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except AttributeError:
        return
    trim(0)
