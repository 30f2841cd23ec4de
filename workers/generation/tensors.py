"""The tensors of a safetensors file, read into memory of their own and verified there.

Each tensor is one allocation, so the memory is aligned for every kernel, and of a model
whose weights are moved one by one each goes as soon as its copy is made.
"""

import mmap
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor

from registry.checkpoints.digest import Progress
from registry.checkpoints.headers import LENGTH_BYTES, Header, header_bytes, parse_header
from registry.checkpoints.manifest import FileEntry
from registry.errors import BadCheckpoint
from workers.generation.reading import Reading, reading

DTYPES = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E8M0": torch.float8_e8m0fnu,
    "U16": torch.uint16,
    "I16": torch.int16,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "U32": torch.uint32,
    "I32": torch.int32,
    "F32": torch.float32,
    "U64": torch.uint64,
    "I64": torch.int64,
    "F64": torch.float64,
    "C64": torch.complex64,
}
ALIGNMENT_BYTES = 64
_OWN_BYTES = 1 << 20
"""From this size on, memory comes from the system itself."""


def read_tensors(
    entry: FileEntry, path: Path, *, threads: int = 1, progress: Progress | None = None
) -> dict[str, Tensor]:
    """Read a safetensors file once; return its tensors by name, on the CPU, verified.

    Args:
        entry: What the file must be.
        path: Where it is; looked up once.
        threads: How many cores may read and hash it at a time.
        progress: Called with a number of bytes that were read and hashed since the last call.

    Raises:
        TamperedRelease: Its bytes are not those that were registered.
        Unavailable: It cannot be read.
        BadCheckpoint: They are, but they make no safetensors file.
    """
    with reading(entry, path, threads=threads, progress=progress) as file:
        try:
            header = _read_header(entry, file)
        except BadCheckpoint:
            # Whether it was registered like this matters more than what is wrong with it.
            file.rest()
            file.check()
            raise
        memory = [_memory(each.end - each.begin) for each in header.tensors]
        file.fill(each.numpy().data for each in memory)
        file.check()
    return {
        each.name: held.view(DTYPES[each.dtype]).view(each.shape)
        for each, held in zip(header.tensors, memory, strict=True)
    }


def _read_header(entry: FileEntry, file: Reading) -> Header:
    """Parse the header, which nothing has verified yet: it can promise no more than there is."""
    length = header_bytes(entry.path, file.next_bytes(LENGTH_BYTES), size=entry.size)
    return parse_header(entry.path, file.next_bytes(length), size=entry.size)


def _memory(count: int) -> Tensor:
    """Return ``(count,)`` bytes of memory, aligned for every kernel.

    Much of it comes from the system itself, which has it back at once when the tensor goes: in
    the C library's heap it would lie between what stays. Large pages are filled at twice the rate.
    """
    if count >= _OWN_BYTES:
        pages = mmap.mmap(-1, count, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        with suppress(AttributeError, OSError):  # where the system has none, small ones do
            pages.madvise(mmap.MADV_HUGEPAGE)
        return torch.frombuffer(pages, dtype=torch.uint8)
    whole = torch.empty(count + ALIGNMENT_BYTES, dtype=torch.uint8)
    skipped = -whole.data_ptr() % ALIGNMENT_BYTES
    return whole[skipped : skipped + count]
