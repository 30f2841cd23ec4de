"""Check the header of a GGUF file, within limits, before a library reads it.

Readers of GGUF have had many faults that hostile counts and sizes reach. Every count,
length, type and offset is checked here, against limits and against the file's size, and
nothing is kept but what must be unique.

Source: docs/gguf.md of github.com/ggml-org/ggml.
"""

import os
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import BinaryIO

from registry.errors import BadCheckpoint

MAGIC = b"GGUF"
VERSIONS = (2, 3)
KEYS_LIMIT = 100_000
TENSORS_LIMIT = 100_000
ITEMS_LIMIT = 1_000_000
STRING_LIMIT_BYTES = 1 << 24
HEADER_LIMIT_BYTES = 1 << 28
NAME_LIMIT_BYTES = 64
DIMENSIONS_LIMIT = 4
ALIGNMENT_LIMIT_BYTES = 1 << 20
DEFAULT_ALIGNMENT_BYTES = 32
ALIGNMENT = b"general.alignment"

_STRING, _ARRAY, _UINT32 = 8, 9, 4
_SCALAR_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}

Blocks = Mapping[int, tuple[int, int]]
"""For each type of tensor, by its number: elements of a block, and its bytes."""


def check_header(file: Path, *, blocks: Blocks) -> None:
    """Check that a library can read the header, and that all tensors lie in the file.

    Raises:
        BadCheckpoint: It is no GGUF file, a damaged one, or one beyond the limits.
    """
    try:
        with file.open("rb") as source:
            _Check(source, file.name, os.fstat(source.fileno()).st_size).run(blocks)
    except OSError as error:
        raise BadCheckpoint(f"{file.name} cannot be read: {error.strerror}") from error


class _Check:
    """One pass over a header."""

    def __init__(self, source: BinaryIO, name: str, size: int) -> None:
        self._source = source
        self._name = name
        self._size = size
        self._items = 0
        self._alignment = DEFAULT_ALIGNMENT_BYTES

    def run(self, blocks: Blocks) -> None:
        if self._bytes(4) != MAGIC:
            raise self._bad("is no GGUF file")
        version = self._number(4)
        if version not in VERSIONS:
            raise self._bad(f"has the GGUF version {version}; 2 and 3, little-endian, are read")
        tensors = self._count(TENSORS_LIMIT, "tensors")
        keys = self._count(KEYS_LIMIT, "keys")
        self._unique((self._key() for _ in range(keys)), "the key")
        ranges: list[tuple[int, int]] = []
        names = (self._tensor(blocks, ranges) for _ in range(tensors))
        self._unique(names, "the tensor")
        start = -(-self._source.tell() // self._alignment) * self._alignment
        for offset, length in ranges:
            if offset % self._alignment or start + offset + length > self._size:
                raise self._bad("has a tensor that lies outside of it, or is cut short")

    def _key(self) -> bytes:
        key = self._string(STRING_LIMIT_BYTES)
        kind = self._number(4)
        if key == ALIGNMENT:
            self._alignment = self._number(4) if kind == _UINT32 else 0
            if self._alignment.bit_count() != 1 or self._alignment > ALIGNMENT_LIMIT_BYTES:
                raise self._bad("has an alignment that is no power of two, or too large")
        elif kind == _ARRAY:
            inner = self._number(4)
            count = self._count(ITEMS_LIMIT, "items")
            self._items += count
            if self._items > ITEMS_LIMIT:
                raise self._bad(f"has more than {ITEMS_LIMIT} items in its arrays")
            self._values(inner, count)
        else:
            self._values(kind, 1)
        return key

    def _values(self, kind: int, count: int) -> None:
        if kind == _STRING:
            for _ in range(count):
                self._string(STRING_LIMIT_BYTES)
        elif kind in _SCALAR_BYTES:
            self._skip(_SCALAR_BYTES[kind] * count)
        else:
            raise self._bad(f"has a value of the unknown type {kind}")

    def _tensor(self, blocks: Blocks, ranges: list[tuple[int, int]]) -> bytes:
        name = self._string(NAME_LIMIT_BYTES)
        count = self._number(4)
        if count > DIMENSIONS_LIMIT:
            raise self._bad(f"has a tensor of {count} dimensions")
        shape = [self._number(8) for _ in range(count)]
        kind, offset = self._number(4), self._number(8)
        if kind not in blocks:
            raise self._bad(f"has a tensor of the unknown type {kind}")
        elements, length = blocks[kind]
        if any(size > 1 << 40 for size in shape) or (shape[0] if shape else 1) % elements:
            raise self._bad("has a tensor whose shape makes no sense")
        ranges.append((offset, prod(shape) // elements * length))
        return name

    def _unique(self, names: Iterator[bytes], what: str) -> None:
        seen: set[bytes] = set()
        for name in names:
            try:
                text = name.decode()
            except UnicodeDecodeError as error:
                raise self._bad(f"has {what} {name!a}, which is not UTF-8") from error
            if name in seen:
                raise self._bad(f"has {what} {text!a} twice")
            seen.add(name)

    def _count(self, limit: int, what: str) -> int:
        count = self._number(8)
        if count > limit:
            raise self._bad(f"says that it has {count} {what}; {limit} are the most")
        return count

    def _string(self, limit: int) -> bytes:
        length = self._number(8)
        if length > limit:
            raise self._bad(f"has a string of {length} bytes; {limit} are the most")
        return self._bytes(length)

    def _number(self, size: int) -> int:
        return int.from_bytes(self._bytes(size), "little")

    def _bytes(self, count: int) -> bytes:
        self._check_room(count)
        data = self._source.read(count)
        if len(data) != count:
            raise self._bad("is cut short")
        return data

    def _skip(self, count: int) -> None:
        self._check_room(count)
        self._source.seek(count, os.SEEK_CUR)

    def _check_room(self, count: int) -> None:
        end = self._source.tell() + count
        if end > self._size:
            raise self._bad("is cut short")
        if end > HEADER_LIMIT_BYTES:
            raise self._bad(f"has a header of more than {HEADER_LIMIT_BYTES} bytes")

    def _bad(self, what: str) -> BadCheckpoint:
        return BadCheckpoint(f"{self._name} {what}: get the file again", file=self._name)
