"""The zip archive that ``torch.save`` writes, accepted to the byte or not at all.

Programs that look into zip archives disagree about broken ones: one trusts the central
directory, another the local headers, a third takes the last of two entries with one name.
What a scanner calls clean may so be something else for whoever loads it. An archive
passes here only if there is nothing to disagree about: its entries lie one behind the
other from the first byte to the central directory, each is stored as it is, both its
headers say the same, its name is one that ``torch.save`` gives, and nothing else is in
the file, neither comment nor hole.

Source: PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", version 6.3.10, sections
4.3.7 to 4.3.9, and files of torch 2.13, of which one is larger than 4 GiB.
"""

import re
import struct
import zlib
from dataclasses import dataclass

from registry.checkpoints.faults import Fault
from registry.checkpoints.zip_directory import (
    DESCRIPTOR_FLAG,
    LOCAL_START,
    UNSET_32,
    Listed,
    find_directory,
    list_entries,
    zip64_field,
)
from registry.errors import PickleProblem

PICKLE = "data.pkl"
STORAGE_PREFIX = "data/"

LOCAL = struct.Struct("<4s5H3I2H")
DESCRIPTOR = struct.Struct("<4s3I")
DESCRIPTOR_64 = struct.Struct("<4sI2Q")
DESCRIPTOR_START = b"PK\x07\x08"

_UTF_8_FLAG = 1 << 11
_ENCRYPTED_FLAGS = 1 << 0 | 1 << 6 | 1 << 13
_UNSIZED = (0, 0, 0)

_STORAGE = re.compile(r"data/[0-9]{1,20}", re.ASCII)
# What torch.save writes beside the pickle and the storages, and what each may say.
_SMALL = {
    "version": re.compile(rb"[1-9][0-9]?\n?"),
    "byteorder": re.compile(rb"little"),
    ".format_version": re.compile(rb"[1-9][0-9]?"),
    ".storage_alignment": re.compile(rb"[1-9][0-9]{0,5}"),
    ".data/serialization_id": re.compile(rb"[0-9]{1,64}"),
}
_SMALL_LIMIT_BYTES = 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the archive.

    Attributes:
        path: Its full name.
        begin: Its first byte in the file.
        end: The byte after its last one.
        crc: The CRC-32 of its bytes, as the archive has it.
    """

    path: str
    begin: int
    end: int
    crc: int

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self.end - self.begin


def read_entries(data: memoryview) -> dict[str, Entry]:
    """Return the entries by their names below the archive's one folder, in their order.

    Raises:
        Fault: It is no archive of ``torch.save``, or something in it is not as described.
    """
    begin, end, count = find_directory(data)
    entries: dict[str, Entry] = {}
    top: str | None = None
    position = 0
    for listed in list_entries(data, begin, end, count):
        folder, slash, name = listed.path.partition("/")
        top = folder if top is None else top
        if not slash or not folder or folder != top:
            raise _strange("an entry lies outside the archive's one folder", listed)
        if name in entries:
            raise _strange("an entry is there twice", listed)
        if name != PICKLE and name not in _SMALL and not _STORAGE.fullmatch(name):
            raise _strange("an entry has a name that tensors have no use for", listed)
        entries[name], position = _locate(data, listed, position, limit=begin)
        if name in _SMALL:
            _check_small(data, name, entries[name])
    if position != begin:
        raise _false("bytes belong to no entry", position)
    if PICKLE not in entries:
        raise Fault(PickleProblem.NO_ARCHIVE, f"it is a zip archive, but has no {PICKLE}")
    return entries


def has_its_crc(data: memoryview, entry: Entry) -> bool:
    """Return whether the bytes of an entry are those that were written."""
    return zlib.crc32(data[entry.begin : entry.end]) == entry.crc


def _locate(data: memoryview, listed: Listed, position: int, *, limit: int) -> tuple[Entry, int]:
    """Return an entry whose local header begins at ``position``, and where the next one does."""
    _check_stored(listed)
    if listed.offset != position:
        raise _false("bytes lie before an entry, or entries overlap", position, listed)
    begin = position + LOCAL.size
    if begin > limit or data[position : position + 4] != LOCAL_START:
        raise _false("an entry has no local header", position, listed)
    _, *header, name_size, extra_size = LOCAL.unpack_from(data, position)
    extra_begin = begin + name_size
    begin = extra_begin + extra_size
    wide = zip64_field(
        data[extra_begin : min(begin, limit)], path=listed.path, position=extra_begin, padded=True
    )
    described = bool(listed.flags & DESCRIPTOR_FLAG)
    expected = (*listed.header[:5], *(_UNSIZED if described else listed.header[5:]))
    raw_name = bytes(data[extra_begin - name_size : extra_begin])
    same = (tuple(header), raw_name) == (expected, listed.raw_name)
    if not same or wide not in {listed.wide, _early(listed, described=described)}:
        raise _false("an entry's two headers disagree", position, listed)
    end = begin + listed.size
    after = end + (_descriptor_size(listed) if described else 0)
    if after > limit:
        raise _false("an entry reaches into the central directory", position, listed)
    if described and bytes(data[end:after]) != _descriptor(listed):
        raise _false("what stands behind an entry disagrees with its headers", end, listed)
    return Entry(listed.path, begin, end, listed.crc), after


def _early(listed: Listed, *, described: bool) -> bytes:
    """Return the Zip64 field of a local header that was written before the entry's bytes.

    torch knows the size then, but leaves the packed size, which comes next, at zero.
    """
    if described and listed.header[-1] == UNSET_32:
        return listed.wide[:8] + bytes(8) + listed.wide[16:]
    return listed.wide


def _check_stored(listed: Listed) -> None:
    _, flags, method, *_ = listed.header
    if flags & _ENCRYPTED_FLAGS:
        raise _strange("an entry is encrypted", listed)
    if method != 0:
        raise _strange("an entry is compressed", listed)
    if listed.packed != listed.size or len(set(listed.header[6:])) > 1:
        raise _false("an entry has two sizes", listed.offset, listed)
    if flags & ~(DESCRIPTOR_FLAG | _UTF_8_FLAG):
        raise _strange("an entry has unknown flags", listed)


def _descriptor_size(listed: Listed) -> int:
    return DESCRIPTOR_64.size if listed.wide else DESCRIPTOR.size


def _descriptor(listed: Listed) -> bytes:
    form = DESCRIPTOR_64 if listed.wide else DESCRIPTOR
    return form.pack(DESCRIPTOR_START, listed.crc, listed.size, listed.size)


def _check_small(data: memoryview, name: str, entry: Entry) -> None:
    content = bytes(data[entry.begin : min(entry.end, entry.begin + _SMALL_LIMIT_BYTES + 1)])
    if not _SMALL[name].fullmatch(content):
        raise Fault(
            PickleProblem.STRANGE_ENTRY,
            f"an entry does not say what it should, but {content[:20]!a}",
            entry=entry.path,
            position=entry.begin,
        )


def _strange(what: str, listed: Listed) -> Fault:
    return Fault(PickleProblem.STRANGE_ENTRY, what, entry=listed.path, position=listed.offset)


def _false(what: str, position: int, listed: Listed | None = None) -> Fault:
    entry = listed.path if listed else None
    return Fault(PickleProblem.FALSE_ARCHIVE, what, entry=entry, position=position)
