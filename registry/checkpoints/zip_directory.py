"""The end and the central directory of a zip archive, where they leave nothing to guess.

Everything between the last entry and the file's last byte is accounted for: the list of
entries, the two Zip64 records if they are there, and an end without a comment. Where a
number is written twice, both must be the same.

Source: PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", version 6.3.10, sections
4.3.12 to 4.3.16 and 4.5.3.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from registry.checkpoints.faults import Fault
from registry.errors import PickleProblem

ENTRY_LIMIT = 100_000
NAME_LIMIT_BYTES = 1024

CENTRAL = struct.Struct("<4s6H3I5H2I")
END = struct.Struct("<4s4H2IH")
END_64 = struct.Struct("<4sQ2H2I4Q")
LOCATOR_64 = struct.Struct("<4sIQI")
LOCAL_START = b"PK\x03\x04"
CENTRAL_START = b"PK\x01\x02"
END_START = b"PK\x05\x06"
END_64_START = b"PK\x06\x06"
LOCATOR_64_START = b"PK\x06\x07"

DESCRIPTOR_FLAG = 1 << 3

UNSET_16, UNSET_32 = 0xFFFF, 0xFFFFFFFF
_EXTRA_64 = 0x0001
_EXTRA_PADDING = int.from_bytes(b"FB", "little")
_COMMENT_LIMIT_BYTES = 1 << 16
_TAR_START = slice(257, 262)

_OTHER_STARTS = {
    b"\x80": (PickleProblem.OLD_FORMAT, "it is a bare pickle, not the archive of torch 1.6 on"),
    b"7z\xbc\xaf\x27\x1c": (PickleProblem.FALSE_ARCHIVE, "it is a 7z archive"),
    b"\x1f\x8b": (PickleProblem.FALSE_ARCHIVE, "it is compressed with gzip"),
    b"BZh": (PickleProblem.FALSE_ARCHIVE, "it is compressed with bzip2"),
    b"\xfd7zXZ": (PickleProblem.FALSE_ARCHIVE, "it is compressed with xz"),
    b"\x28\xb5\x2f\xfd": (PickleProblem.FALSE_ARCHIVE, "it is compressed with zstd"),
    b"Rar!": (PickleProblem.FALSE_ARCHIVE, "it is a RAR archive"),
}


@dataclass(frozen=True, slots=True)
class Listed:
    """What the central directory says of one entry.

    Attributes:
        path: Its name, safe to print.
        raw_name: Its name as written.
        header: Version needed, flags, method, time, date, CRC-32, and both sizes, as
            written; the local header has the same.
        wide: The bytes of its Zip64 field; empty if it has none.
        size: In bytes, as they were before packing.
        packed: In bytes, as they are in the file.
        offset: Where its local header begins.
    """

    path: str
    raw_name: bytes
    header: tuple[int, ...]
    wide: bytes
    size: int
    packed: int
    offset: int

    @property
    def flags(self) -> int:
        """The general purpose bits."""
        return self.header[1]

    @property
    def crc(self) -> int:
        """The CRC-32 of its bytes."""
        return self.header[5]


def find_directory(data: memoryview) -> tuple[int, int, int]:
    """Return where the central directory begins and ends, and how many entries it lists.

    Raises:
        Fault: The file does not end as an archive, or its end contradicts itself.
    """
    start = len(data) - END.size
    if start < 0 or data[start : start + 4] != END_START:
        raise _no_end(data)
    _, disk, first_disk, here, count, size, begin, comment = END.unpack_from(data, start)
    if disk or first_disk or here != count or comment:
        raise _false("the archive's end names other parts, or a comment", start)
    locator, end = start - LOCATOR_64.size, start
    if locator >= END_64.size and data[locator : locator + 4] == LOCATOR_64_START:
        end = locator - END_64.size
        wide = _end_64(data, locator, end)
        for old, new, unset in zip(
            (count, size, begin), wide, (UNSET_16, UNSET_32, UNSET_32), strict=True
        ):
            if old not in (new, unset):
                raise _false("the archive has two ends, which disagree", start)
        count, size, begin = wide
    if begin + size != end:
        raise _false("the central directory is not where the archive's end says", start)
    if count > ENTRY_LIMIT:
        raise Fault(PickleProblem.TOO_LARGE, f"it has {count} entries", position=start)
    return begin, end, count


def _end_64(data: memoryview, locator: int, end: int) -> tuple[int, int, int]:
    _, disk, where, disks = LOCATOR_64.unpack_from(data, locator)
    start, length, _, _, this, first_disk, here, count, size, begin = END_64.unpack_from(data, end)
    expected = (END_64_START, END_64.size - 12, 0, 0, 0, 1)
    if (start, length, this, first_disk, disk, disks) != expected or where != end or here != count:
        raise _false("the Zip64 end of the archive makes no sense", end)
    return count, size, begin


def _no_end(data: memoryview) -> Fault:
    """Return what is the matter with a file that does not end as an archive."""
    head = bytes(data[:512])
    for start, (problem, what) in _OTHER_STARTS.items():
        if head.startswith(start):
            return Fault(problem, what)
    if head[_TAR_START] == b"ustar":
        return Fault(PickleProblem.OLD_FORMAT, "it is a tar archive, as torch 0.1 wrote them")
    if END_START in bytes(data[-_COMMENT_LIMIT_BYTES - END.size :]):
        return _false("bytes follow the archive's end", len(data))
    if head.startswith(LOCAL_START):
        return Fault(PickleProblem.DAMAGED, "it is cut short, the archive's end is missing")
    return Fault(PickleProblem.NO_ARCHIVE, "it is no file of torch.save()")


def list_entries(data: memoryview, begin: int, end: int, count: int) -> Iterator[Listed]:
    """Yield what the central directory between two bytes says of each entry.

    Raises:
        Fault: A record is malformed, or its entry is compressed, encrypted or in parts.
    """
    at = begin
    for _ in range(count):
        if at + CENTRAL.size > end or data[at : at + 4] != CENTRAL_START:
            raise _false("the central directory lists fewer entries than the archive's end", at)
        *fields, name_size, extra_size, comment, disk, _, _, offset = CENTRAL.unpack_from(data, at)
        packed, size = fields[-2:]
        after = at + CENTRAL.size + name_size
        raw_name, extra = bytes(data[at + CENTRAL.size : after]), data[after : after + extra_size]
        path = _path(raw_name, at)
        if comment or disk or after + extra_size > end:
            raise _false("an entry has a comment, or lies in another part", at, path)
        wide = zip64_field(extra, path=path, position=after, padded=False)
        yield Listed(
            path=path,
            raw_name=raw_name,
            header=tuple(fields[2:]),
            wide=wide,
            **_meant(wide, size=size, packed=packed, offset=offset, path=path, position=at),
        )
        at = after + extra_size
    if at != end:
        raise _false("the central directory lists more entries than the archive's end", at)


def zip64_field(extra: memoryview, *, path: str, position: int, padded: bool) -> bytes:
    """Return the Zip64 field among an entry's extra fields, having checked the others.

    Args:
        extra: The extra fields.
        path: The entry's name.
        position: Where they begin.
        padded: Whether torch's padding may be there: the letters ``FB``, a length, and
            as many letters ``Z``.

    Raises:
        Fault: There is another field, a field twice, or one that is cut short.
    """
    found: dict[int, bytes] = {}
    allowed = {_EXTRA_64, _EXTRA_PADDING} if padded else {_EXTRA_64}
    at = 0
    while at < len(extra):
        kind = int.from_bytes(extra[at : at + 2], "little")
        size = int.from_bytes(extra[at + 2 : at + 4], "little")
        content = bytes(extra[at + 4 : at + 4 + size])
        if kind not in allowed or kind in found or at + 4 + size > len(extra):
            raise _false("an entry has an unknown extra field", position + at, path)
        found[kind] = content
        at += 4 + size
    if found.get(_EXTRA_PADDING, b"").strip(b"Z"):
        raise _false("the padding before an entry hides something", position, path)
    return found.get(_EXTRA_64, b"")


def _meant(
    wide: bytes, *, size: int, packed: int, offset: int, path: str, position: int
) -> dict[str, int]:
    """Return the sizes and offset of an entry, taken from its Zip64 field where they are unset."""
    numbers = [number for (number,) in struct.iter_unpack("<Q", wide[: len(wide) // 8 * 8])]
    meant = [
        numbers.pop(0) if each == UNSET_32 and numbers else each for each in (size, packed, offset)
    ]
    if numbers or len(wide) % 8:
        raise _false("an entry's sizes make no sense", position, path)
    return dict(zip(("size", "packed", "offset"), meant, strict=True))


def _path(raw: bytes, position: int) -> str:
    path = raw.decode("utf-8", errors="backslashreplace")
    if not raw or len(raw) > NAME_LIMIT_BYTES or not path.isprintable():
        raise _false(f"an entry has the name {path[:80]!a}", position)
    return path


def _false(what: str, position: int, entry: str | None = None) -> Fault:
    return Fault(PickleProblem.FALSE_ARCHIVE, what, entry=entry, position=position)
