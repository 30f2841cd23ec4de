"""Files that are not the zip archive of ``torch.save`` at all."""

import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from registry.errors import PickleProblem
from tests.support.attack import Attack
from tests.support.attacks_with_globals import touch
from tests.support.checkpoints import safetensors_bytes
from tests.support.pickled import PROTO, STOP, state, tensor, weights


class _Harm:
    """Saved with its way to be made: a call of ``open`` on the marker."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return open, (str(self._marker), "w")


def _legacy(state: object) -> bytes:
    sink = io.BytesIO()
    torch.save(state, sink, _use_new_zipfile_serialization=False)
    return sink.getvalue()


def _tar(name: str, data: bytes) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        about = tarfile.TarInfo(name)
        about.size = len(data)
        archive.addfile(about, io.BytesIO(data))
    return sink.getvalue()


def _objects(value: object) -> bytes:
    sink = io.BytesIO()
    np.savez(sink, a=np.array([value], dtype=object))
    return sink.getvalue()


def _zipped(name: str, data: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr(name, data)
    return sink.getvalue()


def on_formats(marker: Path) -> Iterator[Attack]:
    """Yield files of other formats."""
    harm, bad = _Harm(marker), PROTO + touch(marker) + STOP
    good = weights(state(a=tensor()))
    text = b"cposix\nsystem\n(S'touch \"%s\"'\ntR." % str(marker).encode()
    files = {
        "the format before torch 1.6": (_legacy({"a": torch.zeros(1)}), PickleProblem.OLD_FORMAT),
        "the format before torch 1.6, with a call": (_legacy(harm), PickleProblem.OLD_FORMAT),
        "the format before torch 1.6, its first number wrong": (
            _legacy(harm).replace(b"\x8a\x0al\xfc\x9c", b"\x8a\x0al\xfc\x9d", 1),
            PickleProblem.OLD_FORMAT,
        ),
        "a bare pickle": (bad, PickleProblem.OLD_FORMAT),
        "a bare pickle of protocol 4": (pickle.dumps(harm, 4), PickleProblem.OLD_FORMAT),
        "a bare pickle of protocol 0": (text, PickleProblem.NO_ARCHIVE),
        "a tar archive": (_tar("pickle", bad), PickleProblem.OLD_FORMAT),
        "a 7z archive": (b"7z\xbc\xaf\x27\x1c\x00\x04" + bad, PickleProblem.FALSE_ARCHIVE),
        "a file of gzip": (gzip.compress(good), PickleProblem.FALSE_ARCHIVE),
        "a file of bzip2": (bz2.compress(good), PickleProblem.FALSE_ARCHIVE),
        "a file of xz": (lzma.compress(good), PickleProblem.FALSE_ARCHIVE),
        "a RAR archive": (b"Rar!\x1a\x07\x01\x00" + bad, PickleProblem.FALSE_ARCHIVE),
        "a file of zstd": (b"\x28\xb5\x2f\xfd" + bad, PickleProblem.FALSE_ARCHIVE),
        "arrays of objects": (_objects(harm), PickleProblem.STRANGE_ENTRY),
        "an archive without entries": (
            b"PK\x05\x06" + bytes(18),
            PickleProblem.NO_ARCHIVE,
        ),
        "a file of safetensors": (safetensors_bytes({"a": [1]}), PickleProblem.NO_ARCHIVE),
        "zeros": (bytes(4096), PickleProblem.NO_ARCHIVE),
        "a page of a web site": (b"<!DOCTYPE html><html></html>", PickleProblem.NO_ARCHIVE),
    }
    for what, (data, problem) in files.items():
        at = "a.npy" if what == "arrays of objects" else None
        yield Attack(what, "formats", data, problem, at)
    yield Attack(
        "an archive of another program, with a call",
        "formats",
        _zipped("archive/data.pkl", bad),
        PickleProblem.GLOBAL,
        "GLOBAL",
    )
