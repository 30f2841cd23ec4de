"""Write safetensors files as a stream, hashing each byte on its way to the disk.

The header comes first, because everything it says is known before the first tensor is
touched; then the tensors, block by block, in the order of the header. No tensor is ever
whole in memory.

Source: the safetensors format description, github.com/huggingface/safetensors.
"""

import io
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from registry.checkpoints.digest import FileDigest, Progress, digest_stream
from registry.checkpoints.headers import ITEM_BYTES
from registry.checkpoints.stored import Bits

FILE_LIMIT_BYTES = 5_000_000_000
"""From which size on the tensors are spread over several files, with an index."""

_ALIGNMENT = 8
_ONE = "model.safetensors"
_INDEX = "model.safetensors.index.json"


@dataclass(frozen=True, slots=True)
class OutgoingTensor:
    """A tensor that is to be written.

    Attributes:
        name: As the file will have it.
        dtype: A key of ``registry.checkpoints.headers.ITEM_BYTES``.
        shape: Of the whole.
        blocks: Yields its elements in order, as contiguous arrays. A block must not be used
            after the next one was asked for.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    blocks: Callable[[], Iterable[Bits]]

    @property
    def size_bytes(self) -> int:
        """How many bytes its elements have together."""
        return math.prod(self.shape) * ITEM_BYTES[self.dtype]


@dataclass(frozen=True)
class OutgoingFile:
    """A safetensors file that is to be written."""

    path: str
    tensors: tuple[OutgoingTensor, ...]

    @cached_property
    def header(self) -> bytes:
        """The bytes before the first tensor."""
        described: dict[str, object] = {"__metadata__": {"format": "pt"}}
        end = 0
        for each in self.tensors:
            begin, end = end, end + each.size_bytes
            described[each.name] = {
                "dtype": each.dtype,
                "shape": list(each.shape),
                "data_offsets": [begin, end],
            }
        text = json.dumps(described, separators=(",", ":")).encode()
        text += b" " * (-len(text) % _ALIGNMENT)
        return len(text).to_bytes(8, "little") + text

    @property
    def size_bytes(self) -> int:
        """How large it will be."""
        return len(self.header) + sum(each.size_bytes for each in self.tensors)

    def write(self, target: Path, *, progress: Progress | None = None) -> FileDigest:
        """Write it to a new file and wait until it is on the disk.

        Args:
            target: Must not exist.
            progress: Called with the number of bytes written since the last call.

        Raises:
            ValueError: A tensor's blocks are not as many bytes as its shape says.
        """
        source = cast("BinaryIO", _Blocks(self._bytes()))
        with target.open("xb") as sink:
            digest = digest_stream(source, path=self.path, sink=sink, progress=progress)
            sink.flush()
            os.fsync(sink.fileno())
        return digest

    def _bytes(self) -> Iterator[memoryview]:
        yield memoryview(self.header)
        for each in self.tensors:
            written = 0
            for block in each.blocks():
                view = block.reshape(-1).view(np.uint8).data
                written += len(view)
                yield view
            if written != each.size_bytes:
                raise ValueError(f"{each.name} has {written} bytes, not {each.size_bytes}")


class _Blocks(io.RawIOBase):
    """A stream over blocks of bytes that are made while it is read."""

    def __init__(self, blocks: Iterator[memoryview]) -> None:
        super().__init__()
        self._blocks = blocks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        target = memoryview(cast("bytearray", buffer))
        while not self._rest:
            following = next(self._blocks, None)
            if following is None:
                return 0
            self._rest = following
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def files_for(
    tensors: Sequence[OutgoingTensor], *, limit_bytes: int = FILE_LIMIT_BYTES
) -> tuple[OutgoingFile, ...]:
    """Spread tensors over as few files as the limit allows, in their order.

    In each file those with larger elements come first, so that all are aligned.

    Args:
        tensors: All of a model.
        limit_bytes: Of tensors in one file; a larger tensor gets a file of its own.
    """
    groups: list[list[OutgoingTensor]] = [[]]
    filled = 0
    for each in tensors:
        if groups[-1] and filled + each.size_bytes > limit_bytes:
            groups.append([])
            filled = 0
        groups[-1].append(each)
        filled += each.size_bytes
    count = len(groups)
    names = [
        _ONE if count == 1 else f"model-{number:05}-of-{count:05}.safetensors"
        for number in range(1, count + 1)
    ]
    return tuple(
        OutgoingFile(name, tuple(sorted(group, key=lambda each: -ITEM_BYTES[each.dtype])))
        for name, group in zip(names, groups, strict=True)
    )


def index_of(files: Sequence[OutgoingFile]) -> dict[str, bytes]:
    """Return the index that several files need, by its name; nothing for one file."""
    if len(files) == 1:
        return {}
    places = {each.name: file.path for file in files for each in file.tensors}
    total = sum(each.size_bytes for file in files for each in file.tensors)
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
    return {_INDEX: (json.dumps(index, indent=2) + "\n").encode()}
