"""Files of ``torch.save``, written byte by byte, right or wrong in any way."""

import io
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from registry.checkpoints.torch_zips import (
    DESCRIPTOR,
    DESCRIPTOR_64,
    DESCRIPTOR_START,
    LOCAL,
)
from registry.checkpoints.zip_directory import (
    CENTRAL,
    CENTRAL_START,
    DESCRIPTOR_FLAG,
    END,
    END_64,
    END_64_START,
    END_START,
    LOCAL_START,
    LOCATOR_64,
    LOCATOR_64_START,
    UNSET_32,
)

FOLDER = "archive"
ALIGNMENT = 64

PROTO, STOP, MARK, REDUCE, BUILD = b"\x80\x02", b".", b"(", b"R", b"b"
DICT, TUPLE, UNIT, PERSID, SETITEM, SETITEMS = b"}", b"t", b")", b"Q", b"s", b"u"
ORDERED = b"ccollections\nOrderedDict\n" + UNIT + REDUCE


def named(module: str, name: str) -> bytes:
    """Push a global."""
    return f"c{module}\n{name}\n".encode()


def text(value: str) -> bytes:
    """Push a string."""
    raw = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(raw)) + raw


def number(value: object) -> bytes:
    """Push a whole number or a truth value."""
    if isinstance(value, bool):
        return b"\x88" if value else b"\x89"
    assert isinstance(value, int)
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def several(*values: bytes) -> bytes:
    """Push a tuple."""
    return MARK + b"".join(values) + TUPLE


def call(module: str, name: str, *arguments: bytes) -> bytes:
    """Push what a call returns."""
    return named(module, name) + several(*arguments) + REDUCE


def storage(key: str = "0", kind: str = "HalfStorage", length: object = 4) -> bytes:
    """Push a storage."""
    name = several(text("storage"), named("torch", kind), text(key), text("cpu"), number(length))
    return name + PERSID


def tensor(
    place: bytes = b"",
    *,
    offset: object = 0,
    shape: Sequence[object] = (2, 2),
    strides: Sequence[object] = (2, 1),
    hooks: bytes = ORDERED,
    more: bytes = b"",
) -> bytes:
    """Push a tensor: by default two times two elements of half precision."""
    return call(
        "torch._utils",
        "_rebuild_tensor_v2",
        place or storage(),
        number(offset),
        several(*(number(each) for each in shape)),
        several(*(number(each) for each in strides)),
        number(False),  # noqa: FBT003  # whether it requires a gradient
        hooks,
        more,
    )


def items(**values: bytes) -> bytes:
    """Set items of the dictionary on top."""
    return MARK + b"".join(text(name) + value for name, value in values.items()) + SETITEMS


def state(**values: bytes) -> bytes:
    """Return a pickle of a dictionary."""
    return PROTO + DICT + items(**values) + STOP


@dataclass
class Member:
    """One entry, with what is to be different about it.

    Attributes:
        name: With the folder.
        data: As it is in the file.
        hole: How many zeros follow its data.
        flags: General purpose bits, in both headers.
        method: How it is said to be compressed.
        size: How large it is said to be before compression, if not as it is.
        crc: Its checksum, if not the right one.
        local: Fields of the local header that differ from the central one.
        gap: Bytes before its local header.
        padding: The extra field of the local header, if not torch's.
        extra: The extra field of the central record.
        comment: Of the central record.
        descriptor: What stands behind its data, if not the right thing.
        offset: Where its local header is said to be, if not where it is.
        is_wide: Whether its sizes are in Zip64 fields.
    """

    name: str
    data: bytes
    hole: int = 0
    flags: int = 0x0808
    method: int = 0
    size: int | None = None
    crc: int | None = None
    local: dict[str, Any] = field(default_factory=dict)
    gap: bytes = b""
    padding: bytes | None = None
    extra: bytes = b""
    comment: bytes = b""
    descriptor: bytes | None = None
    offset: int | None = None
    is_wide: bool = False


def weights(
    pickle: bytes,
    storages: Mapping[str, bytes] | None = None,
    *,
    folder: str = FOLDER,
    more: Sequence[Member] = (),
    **settings: Any,
) -> bytes:
    """Return a file of weights with a pickle: by default with one storage of eight bytes."""
    given = {"0": bytes(range(8))} if storages is None else storages
    return archive(
        [
            Member(f"{folder}/data.pkl", pickle),
            Member(f"{folder}/byteorder", b"little"),
            *(Member(f"{folder}/data/{key}", data) for key, data in given.items()),
            Member(f"{folder}/version", b"3\n"),
            *more,
        ],
        **settings,
    )


def archive(
    members: Sequence[Member],
    *,
    prefix: bytes = b"",
    before_directory: bytes = b"",
    comment: bytes = b"",
    suffix: bytes = b"",
    end: Mapping[str, int] | None = None,
    end_64: Mapping[str, int] | None = None,
) -> bytes:
    """Return a zip archive as torch writes it, but for what is given.

    Args:
        members: Its entries.
        prefix: Bytes before the first entry.
        before_directory: Bytes behind the last one.
        comment: Of the archive.
        suffix: Bytes behind its end.
        end: Fields of the end that are to be wrong: ``count``, ``size``, ``begin``, ``disk``.
        end_64: The same of the Zip64 end.
    """
    sink = io.BytesIO()
    sink.write(prefix)
    directory = _write_entries(sink, members)
    sink.write(before_directory)
    right = {"count": len(members), "size": len(directory), "begin": sink.tell(), "disk": 0}
    sink.write(directory)
    narrow, wide = right | dict(end or {}), right | dict(end_64 or {})
    sink.write(_ends(narrow, wide, where=sink.tell(), comment=len(comment)))
    return sink.getvalue() + comment + suffix


def write_archive(file: Path, members: Sequence[Member]) -> None:
    """Write a right archive to a disk; the zeros of a hole take no place there."""
    with file.open("wb") as sink:
        directory = _write_entries(sink, members)
        right = {"count": len(members), "size": len(directory), "begin": sink.tell(), "disk": 0}
        sink.write(directory)
        sink.write(_ends(right, right, where=sink.tell()))


def _write_entries(sink: IO[bytes], members: Sequence[Member]) -> bytes:
    """Write entries with their local headers; return the central directory."""
    directory = bytearray()
    for member in members:
        sink.write(member.gap)
        local, after, central = _headers(member, position=sink.tell())
        sink.write(local + member.data)
        sink.seek(member.hole, io.SEEK_CUR)
        sink.write(after)
        directory += central
    return bytes(directory)


def _ends(
    narrow: Mapping[str, int], wide: Mapping[str, int], *, where: int, comment: int = 0
) -> bytes:
    counts = (wide["count"], wide["count"], wide["size"], wide["begin"])
    last_64 = END_64.pack(END_64_START, 44, 798, 45, wide["disk"], 0, *counts)
    locator = LOCATOR_64.pack(LOCATOR_64_START, 0, where, 1)
    few, begin = min(narrow["count"], 0xFFFF), min(narrow["begin"], UNSET_32)
    last = END.pack(END_START, narrow["disk"], 0, few, few, narrow["size"], begin, comment)
    return last_64 + locator + last


def _headers(member: Member, *, position: int) -> tuple[bytes, bytes, bytes]:
    """Return what stands before and behind the bytes of an entry, and its central record."""
    name, packed = member.name.encode("utf-8", "surrogateescape"), len(member.data) + member.hole
    size = packed if member.size is None else member.size
    crc = zlib.crc32(member.data) if member.crc is None else member.crc
    offset = position if member.offset is None else member.offset
    is_wide, is_far = member.is_wide or packed >= UNSET_32, offset >= UNSET_32
    numbers = ([size, packed] if is_wide else []) + ([offset] if is_far else [])
    wide = _field_64(numbers)
    sizes = (UNSET_32, UNSET_32) if is_wide else (packed, size)
    local: dict[str, Any] = {
        "flags": member.flags,
        "method": member.method,
        "name": name,
        "crc": crc,
    }
    local |= dict(zip(("packed", "size"), sizes, strict=True))
    is_described = bool(member.flags & DESCRIPTOR_FLAG)
    if is_described:
        local |= {"crc": 0, "packed": 0, "size": 0}
    if is_described and is_wide:
        numbers[1] = 0
    local |= member.local
    padding = _padding(position + LOCAL.size + len(name) + len(wide))
    extra = _field_64(numbers) + (padding if member.padding is None else member.padding)
    header = LOCAL.pack(
        local.get("start", LOCAL_START),
        *(0, local["flags"], local["method"], local.get("time", 0), 0),
        *(local["crc"], local["packed"], local["size"]),
        *(len(local["name"]), len(extra)),
    )
    form = DESCRIPTOR_64 if wide else DESCRIPTOR
    after = form.pack(DESCRIPTOR_START, crc, packed, size) if is_described else b""
    record = CENTRAL.pack(
        CENTRAL_START,
        *(0, 0, member.flags, member.method, 0, 0),
        *(crc, *sizes, len(name), len(wide) + len(member.extra), len(member.comment)),
        *(0, 0, 0, min(offset, UNSET_32)),
    )
    return (
        header + local["name"] + extra,
        after if member.descriptor is None else member.descriptor,
        record + name + wide + member.extra + member.comment,
    )


def _field_64(numbers: Sequence[int]) -> bytes:
    """Return the Zip64 extra field of some numbers."""
    count = len(numbers)
    return struct.pack(f"<2H{count}Q", 1, 8 * count, *numbers) if numbers else b""


def _padding(position: int) -> bytes:
    """Return the extra field with which torch makes data begin at a multiple of 64 bytes."""
    length = -(position + 4) % ALIGNMENT
    return b"FB" + struct.pack("<H", length) + b"Z" * length
