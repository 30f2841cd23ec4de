"""Read the tensors of a file that ``torch.save`` wrote, without unpickling it.

A pickle is a program, and what it names is imported and called by whoever loads it. Here
its instructions are carried out by a machine of our own on stand-ins, of which there is
one for each name that a state dict needs, and everything else ends the reading. Nothing
is imported, nothing is called, and the file's bytes are not copied.

Read are dictionaries of names and tensors in the zip format of torch 1.6 and later, which
is that of Meta's ``consolidated.*.pth`` and Hugging Face's ``pytorch_model*.bin``.
Decision 0017 says why this is not ``torch.load(weights_only=True)``.
"""

import mmap
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from registry.checkpoints.faults import Fault
from registry.checkpoints.pickle_machine import Machine
from registry.checkpoints.pickle_opcodes import NAMES, PICKLE_LIMIT_BYTES, decode
from registry.checkpoints.pickle_values import View, kind_of
from registry.checkpoints.stored import StoredTensor, unsigned
from registry.checkpoints.torch_zips import (
    PICKLE,
    STORAGE_PREFIX,
    Entry,
    has_its_crc,
    read_entries,
)
from registry.errors import BadCheckpoint, PickleProblem, RefusedPickle

# Tied weights are saved once and named twice; much beyond that, somebody is counting on
# a reader that writes out every tensor.
EXPANSION_LIMIT = 4
EXPANSION_FREE_BYTES = 1 << 26


def read_tensors(file: Path) -> list[StoredTensor]:
    """Map the tensors of a file of ``torch.save``, in the order of its dictionary.

    Tensors may be strided views of one storage, as they were when they were saved. The
    file must not be cut short while they are in use: the process would be killed.

    Raises:
        RefusedPickle: Something in the file is not read; the error says what and where.
        BadCheckpoint: The file cannot be read.
    """
    return tensors_of(_map(file), file=file.name)


def tensors_of(data: memoryview, *, file: str) -> list[StoredTensor]:
    """Return the tensors of the bytes of such a file, as views of these bytes.

    Args:
        data: The whole file; read-only, if the tensors are to be.
        file: What errors call it.

    Raises:
        RefusedPickle: Something in it is not read; the error says what and where.
    """
    try:
        entries = read_entries(data)
        pickle = _pickle(data, entries[PICKLE])
    except Fault as fault:
        raise RefusedPickle(
            file,
            problem=fault.problem,
            what=fault.what,
            entry=fault.entry,
            position=fault.position,
        ) from fault
    machine = Machine(_storage_sizes(entries))
    position = 0
    try:
        for step in decode(pickle):
            position = step.position
            machine.take(step)
        views = _views(machine)
    except Fault as fault:
        position = position if fault.position is None else fault.position
        raise RefusedPickle(
            file,
            problem=fault.problem,
            what=fault.what,
            entry=entries[PICKLE].path,
            opcode=NAMES.get(pickle[position]) if position < len(pickle) else None,
            position=position,
        ) from fault
    return [_stored(data, entries, name, view) for name, view in views.items()]


def _map(file: Path) -> memoryview:
    try:
        # Opening a named pipe would otherwise wait for a writer that may never come.
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as source:
            about = os.fstat(source.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise BadCheckpoint(f"{file.name} is not a regular file: take it out")
            if not about.st_size:
                raise BadCheckpoint(f"{file.name} is empty: download it again")
            return memoryview(mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise BadCheckpoint(f"{file.name} cannot be read: {error.strerror}") from error


def _pickle(data: memoryview, entry: Entry) -> bytes:
    if entry.size > PICKLE_LIMIT_BYTES:
        raise Fault(PickleProblem.TOO_LARGE, f"the pickle has {entry.size} bytes", entry=entry.path)
    if not has_its_crc(data, entry):
        raise Fault(
            PickleProblem.DAMAGED,
            "the pickle does not have the checksum that the archive gives",
            entry=entry.path,
        )
    return bytes(data[entry.begin : entry.end])


def _storage_sizes(entries: Mapping[str, Entry]) -> dict[str, int]:
    return {
        name.removeprefix(STORAGE_PREFIX): entry.size
        for name, entry in entries.items()
        if name.startswith(STORAGE_PREFIX)
    }


def _views(machine: Machine) -> dict[str, View]:
    """Return the tensors that the machine was left with, and nothing besides."""
    items = machine.result.items if machine.result else {}
    views = {name: value for name, value in items.items() if isinstance(value, View)}
    for name, value in items.items():
        if name not in views:
            raise Fault(PickleProblem.NO_STATE_DICT, f"under {name!a} it has {kind_of(value)}")
        if not name or not name.isprintable():
            raise Fault(PickleProblem.MALFORMED, f"a tensor has the name {name!a}")
    if unnamed := machine.unnamed:
        raise Fault(PickleProblem.STRANGE_ENTRY, f"no tensor is in {STORAGE_PREFIX}{unnamed[0]}")
    stored = sum(storage.size_bytes for storage in machine.storages.values())
    spread = sum(view.size_bytes for view in views.values())
    if spread > EXPANSION_LIMIT * stored + EXPANSION_FREE_BYTES:
        raise Fault(
            PickleProblem.TOO_LARGE, f"its tensors have {spread} bytes, its storages {stored}"
        )
    return views


def _stored(data: memoryview, entries: Mapping[str, Entry], name: str, view: View) -> StoredTensor:
    entry = entries[STORAGE_PREFIX + view.storage.key]
    dtype = unsigned(view.storage.dtype)
    if 0 in view.shape:
        bits = np.empty(view.shape, dtype)
        bits.flags.writeable = False
    else:
        # numpy checks again that no element lies outside the storage.
        bits = np.ndarray(
            view.shape,
            dtype,
            buffer=data[entry.begin : entry.end],
            offset=view.offset * dtype.itemsize,
            strides=[each * dtype.itemsize for each in view.strides],
        )
    return StoredTensor(name, view.storage.dtype, bits)
