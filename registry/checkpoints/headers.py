"""Read and check the header of a safetensors file.

The file is: the header's length N (8 bytes, little endian), N bytes of JSON that begin
with ``{``, then the tensors' bytes. The JSON maps each tensor's name to its dtype, shape
and byte range; ``__metadata__`` maps strings to strings. A header passes here only if the
ranges cover the rest of the file exactly, without a hole or an overlap, so that no byte of
a registered file is hidden from those who load it.

Source: the safetensors format description, github.com/huggingface/safetensors.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.errors import BadCheckpoint, PickledWeights

LENGTH_BYTES = 8
HEADER_LIMIT_BYTES = 100_000_000

ITEM_BYTES = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "F8_E8M0": 1,
    "U16": 2,
    "I16": 2,
    "F16": 2,
    "BF16": 2,
    "U32": 4,
    "I32": 4,
    "F32": 4,
    "U64": 8,
    "I64": 8,
    "F64": 8,
    "C64": 8,
}

_SHORTEST = len(b"{}")
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where one tensor is in a safetensors file.

    Attributes:
        name: Unique in its file.
        dtype: A key of ``ITEM_BYTES``.
        shape: Sizes of the dimensions; ``()`` is one number.
        begin: First byte, counted from the file's beginning.
        end: The byte after the last one.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a safetensors file says it holds; the tensors are in the order of their bytes."""

    tensors: tuple[Tensor, ...]
    metadata: dict[str, str]


def read_header(file: Path) -> Header:
    """Read and check the header of a safetensors file.

    Raises:
        BadCheckpoint: It is no such file, it is cut short, or its ranges are wrong.
        PickledWeights: It is a pickle under another name.
    """
    try:
        with file.open("rb") as source:
            size = file.stat().st_size
            length = header_bytes(file.name, source.read(LENGTH_BYTES), size=size)
            text = source.read(length)
    except OSError as error:
        raise _bad(file.name, f"cannot be read ({error.strerror})") from error
    return parse_header(file.name, text, size=size)


def header_bytes(name: str, start: bytes, *, size: int) -> int:
    """Return how many bytes the header has, of a file of this name, beginning and size.

    Raises:
        BadCheckpoint: It is no safetensors file, or it is cut short.
        PickledWeights: It is a pickle under another name.
    """
    length = int.from_bytes(start, "little")
    # A header of 640 bytes begins like a pickle, so only a length that cannot be is asked.
    if length > min(HEADER_LIMIT_BYTES, size - LENGTH_BYTES):
        _reject_pickle(name, start)
    if len(start) < LENGTH_BYTES or not _SHORTEST <= length <= HEADER_LIMIT_BYTES:
        raise _bad(name, "is no safetensors file (its header's length makes no sense)")
    if LENGTH_BYTES + length > size:
        raise _short(name, promised=LENGTH_BYTES + length, size=size)
    return length


def parse_header(name: str, text: bytes, *, size: int) -> Header:
    """Parse the header of a file of this name and size; ``text`` is what follows its length.

    Raises:
        BadCheckpoint: It is no header, or its ranges are not those of such a file.
    """
    document = _parse(name, text)
    metadata = document.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _bad(name, "has a __metadata__ that is not strings")
    base = LENGTH_BYTES + len(text)
    tensors = sorted(
        (_tensor(name, key, value, base=base) for key, value in document.items()),
        key=lambda tensor: (tensor.begin, tensor.end),
    )
    _check_coverage(name, tensors, begin=base, end=size)
    return Header(tuple(tensors), metadata)


def _reject_pickle(name: str, start: bytes) -> None:
    if start.startswith(_PICKLE_STARTS):
        raise PickledWeights(
            f"{name} is a pickle under another name, and reading a pickle can run code: "
            "get the weights as real safetensors",
            file=name,
        )


def _parse(name: str, text: bytes) -> dict[str, Any]:
    def unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        listed = list(pairs)
        if len(dict(listed)) < len(listed):
            raise ValueError("a key is there twice")
        return dict(listed)

    if not text.startswith(b"{"):
        raise _bad(name, "is no safetensors file (its header does not begin with a brace)")
    try:
        document: dict[str, Any] = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise _bad(name, "is no safetensors file (its header is not JSON)") from error
    return document


def _tensor(file: str, name: str, value: object, *, base: int) -> Tensor:
    match value:
        case {
            "dtype": str(dtype),
            "shape": list(shape),
            "data_offsets": [int(begin), int(end)],
            **others,
        } if not others and all(type(size) is int and size >= 0 for size in shape):
            if dtype not in ITEM_BYTES:
                raise _bad(file, f"has the tensor {name!a} of the unknown dtype {dtype!a}")
            if begin < 0 or end - begin != math.prod(shape) * ITEM_BYTES[dtype]:
                raise _bad(file, f"has the tensor {name!a}, whose bytes do not fit its shape")
            return Tensor(name, dtype, tuple(shape), base + begin, base + end)
    raise _bad(file, f"describes the tensor {name!a} in a way that safetensors does not know")


def _check_coverage(name: str, tensors: list[Tensor], *, begin: int, end: int) -> None:
    covered = begin
    for tensor in tensors:
        if tensor.begin != covered:
            what = "overlap" if tensor.begin < covered else "a hole"
            raise _bad(name, f"has {what} before the tensor {tensor.name!a}")
        covered = tensor.end
    if covered > end:
        raise _short(name, promised=covered, size=end)
    if covered < end:
        raise _bad(name, f"has {end - covered} bytes after its last tensor")


def _short(name: str, *, promised: int, size: int) -> BadCheckpoint:
    return _bad(name, f"is cut short: {size} bytes are here, its header promises {promised}")


def _bad(name: str, what: str) -> BadCheckpoint:
    return BadCheckpoint(f"{name} {what}: get the file again", file=name)
