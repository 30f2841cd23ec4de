"""Zip archives that one program reads in one way and another in another."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from registry.errors import PickleProblem
from tests.support.attack import Attack
from tests.support.attacks_with_globals import touch
from tests.support.pickled import (
    FOLDER,
    PROTO,
    STOP,
    Member,
    archive,
    state,
    tensor,
    weights,
)

PICKLE = f"{FOLDER}/data.pkl"
STORAGE = f"{FOLDER}/data/0"
GOOD = state(a=tensor())


def _members(**changes: Any) -> list[Member]:
    """Return the entries of a small, right file, of which the pickle is changed."""
    return [
        Member(PICKLE, **({"data": GOOD} | changes)),
        Member(STORAGE, bytes(8)),
        Member(f"{FOLDER}/version", b"3\n"),
    ]


def _of_pickle(**changes: Any) -> bytes:
    return archive(_members(**changes))


def _of_storage(**changes: Any) -> bytes:
    pickle, _, version = _members()
    given = {"name": STORAGE, "data": bytes(8)} | changes
    return archive([pickle, Member(**given), version])


def _deflated(data: bytes) -> dict[str, Any]:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packer.compress(data) + packer.flush()
    return {"data": packed, "method": 8, "size": len(data), "crc": zlib.crc32(data)}


def on_archives(marker: Path) -> Iterator[Attack]:
    """Yield archives that are wrong as a whole."""
    bad = weights(PROTO + touch(marker) + STOP)
    good = weights(GOOD)
    descriptor = bytes(16)
    wrong = {
        "bytes before the first entry": archive(_members(), prefix=b"#!/bin/sh\n"),
        "a bare pickle before the first entry": archive(
            _members(), prefix=PROTO + touch(marker) + STOP
        ),
        "bytes behind the end": archive(_members(), suffix=b"\0"),
        "a second archive behind the first": good + bad,
        "a comment that is an archive": archive(_members(), comment=bad),
        "bytes between the entries and their list": archive(_members(), before_directory=bad),
        "an end that counts fewer entries": archive(_members(), end={"count": 2}),
        "both ends count fewer entries": archive(_members(), end={"count": 2}, end_64={"count": 2}),
        "both ends count more entries": archive(_members(), end={"count": 4}, end_64={"count": 4}),
        "two ends with two lists": archive(_members(), end_64={"begin": 0}),
        "a list elsewhere": archive(_members(), end={"begin": 9}, end_64={"begin": 9}),
        "an archive in many parts": archive(_members(), end={"disk": 1}),
        "a Zip64 end of another part": archive(_members(), end_64={"disk": 1}),
    }
    for what, data in wrong.items():
        at = PICKLE if what.endswith("before the first entry") else None
        yield Attack(what, "archive", data, PickleProblem.FALSE_ARCHIVE, at)
    before_storage = {
        "bytes between two entries": _of_storage(gap=b"PK\x03\x04" + bytes(30)),
        "two entries on the same bytes": _of_storage(offset=0),
        "an entry that is shorter than it says": _of_storage(descriptor=b""),
    }
    before_pickle = {
        "a pickle found elsewhere by the list": _of_pickle(offset=60),
        "a checksum behind the entry that is another": _of_pickle(descriptor=descriptor),
        "padding that hides something": _of_pickle(padding=b"FB\x04\0evil"),
        "a name in an extra field": _of_pickle(padding=b"up\x09\0\x01\0\0\0\0evil"),
        "a name in an extra field of the list": _of_pickle(extra=b"up\x09\0\x01\0\0\0\0evil"),
        "a comment of an entry": _of_pickle(comment=b"evil"),
        "flags that differ": _of_pickle(local={"flags": 0x0008}),
        "another name in the local header": _of_pickle(local={"name": b"archive/data.txt"}),
        "another method in the local header": _of_pickle(local={"method": 8}),
        "another time in the local header": _of_pickle(local={"time": 1}),
        "another checksum in the local header": _of_pickle(local={"crc": 1}),
        "another size in the local header": _of_pickle(local={"size": 1}),
        "another size without a descriptor": _of_pickle(flags=0, local={"size": 1}),
        "two sizes in both headers": _of_pickle(flags=0, size=len(GOOD) + 1),
        "no local header": _of_pickle(local={"start": b"PK\x07\x07"}),
        "a size in the list that is another": _of_pickle(size=len(GOOD) + 1),
    }
    for at, group in {STORAGE: before_storage, PICKLE: before_pickle}.items():
        for what, data in group.items():
            yield Attack(what, "headers", data, PickleProblem.FALSE_ARCHIVE, at)


def on_entries(marker: Path) -> Iterator[Attack]:
    """Yield archives with entries that no tensor needs, or with one twice."""
    bad = PROTO + touch(marker) + STOP
    strange = {
        "a pickle that is compressed": (_of_pickle(**_deflated(GOOD)), PICKLE),
        "a storage that is compressed": (_of_storage(**_deflated(bytes(8))), STORAGE),
        "a pickle said to be encrypted": (_of_pickle(flags=0x0809), PICKLE),
        "a pickle said to be strongly encrypted": (_of_pickle(flags=0x0849), PICKLE),
        "an encrypted list": (_of_pickle(flags=0x2808), PICKLE),
        "a flag that nobody knows": (_of_pickle(flags=0x8808), PICKLE),
    }
    for what, (data, at) in strange.items():
        yield Attack(what, "entries", data, PickleProblem.STRANGE_ENTRY, at)
    more = {
        "two pickles": Member(PICKLE, bad),
        "a storage twice": Member(STORAGE, bytes(8)),
        "a pickle in capitals": Member(f"{FOLDER}/DATA.PKL", bad),
        "another pickle in the folder": Member(f"{FOLDER}/data.pickle", bad),
        "a pickle among the storages": Member(f"{FOLDER}/data/0.pkl", bad),
        "an extension that scanners skip": Member(f"{FOLDER}/weights.joblib", bad),
        "a pickle without a folder": Member("data.pkl", bad),
        "a pickle in another folder": Member("other/data.pkl", bad),
        "a right entry in another folder": Member("other/byteorder", b"little"),
        "a path out of the folder": Member("../data.pkl", bad),
        "a full path": Member("/data.pkl", bad),
        "a path out of the folder, after it": Member(f"{FOLDER}/../data.pkl", bad),
        "a path with backslashes": Member(f"{FOLDER}\\data.pkl", bad),
        "a folder as an entry": Member(f"{FOLDER}/", b""),
        "the constants of TorchScript": Member(f"{FOLDER}/constants.pkl", bad),
        "the code of TorchScript": Member(f"{FOLDER}/code/__torch__.py", b"import os"),
        "an archive in the archive": Member(f"{FOLDER}/more.zip", weights(bad)),
        "bytes of another order": Member(f"{FOLDER}/byteorder", b"big"),
        "a version that is a pickle": Member(f"{FOLDER}/version", bad),
    }
    for what, member in more.items():
        data = archive([*_members()[:2], member])
        yield Attack(what, "entries", data, PickleProblem.STRANGE_ENTRY, member.name)
    for what, name in {
        "a zero byte in a name": f"{FOLDER}/data.pkl\0.txt",
        "a line end in a name": f"{FOLDER}/data\n.pkl",
        "an entry without a name": "",
        "a very long name": f"{FOLDER}/{'a' * 2000}",
    }.items():
        data = archive([*_members(), Member(name, bad)])
        yield Attack(what, "entries", data, PickleProblem.FALSE_ARCHIVE)
    yield Attack(
        "a pickle with a wrong checksum",
        "entries",
        _of_pickle(crc=1),
        PickleProblem.DAMAGED,
        PICKLE,
    )
    yield Attack(
        "no pickle",
        "entries",
        archive([Member(STORAGE, bytes(8))]),
        PickleProblem.NO_ARCHIVE,
    )
    yield Attack(
        "an archive that is cut short", "entries", weights(GOOD)[:-300], PickleProblem.DAMAGED
    )
