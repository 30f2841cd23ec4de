"""Pickles whose tensors and storages are not what they say, and bombs."""

from collections.abc import Iterator
from pathlib import Path

from registry.checkpoints.pickle_opcodes import OPCODE_LIMIT, PICKLE_LIMIT_BYTES
from registry.checkpoints.zip_directory import ENTRY_LIMIT
from registry.errors import PickleProblem
from tests.support.attack import Attack
from tests.support.pickled import (
    DICT,
    FOLDER,
    MARK,
    PERSID,
    PROTO,
    SETITEM,
    SETITEMS,
    STOP,
    TUPLE,
    UNIT,
    named,
    number,
    several,
    state,
    storage,
    tensor,
    text,
    weights,
)


def on_storages(_marker: Path) -> Iterator[Attack]:
    """Yield tensors that reach out of their storage, and storages that are not there."""
    outside = {
        "an offset beyond the storage": tensor(offset=1),
        "an offset before the storage": tensor(offset=-1),
        "a shape beyond the storage": tensor(shape=(3, 2)),
        "a stride beyond the storage": tensor(strides=(3, 1)),
        "a stride backwards": tensor(offset=3, strides=(-2, -1)),
        "elements that overlap": tensor(shape=(3, 2), strides=(1, 1)),
        "one element at many places": tensor(shape=(2, 2), strides=(0, 1)),
        "fewer strides than sizes": tensor(strides=(1,)),
        "a size that is a string": tensor().replace(number(2), text("a"), 1),
        "a size that is a truth value": tensor(shape=(True, 2)),
        "a size and a stride that are truth values": tensor(shape=(True, 2), strides=(True, 1)),
        "an offset that wraps around": tensor(offset=2**63 - 1),
        "an empty tensor before the storage": tensor(offset=-9, shape=(0,), strides=(1,)),
        "a storage longer than its entry": tensor(storage(length=8)),
        "a storage shorter than its entry": tensor(storage(length=2), shape=(1, 1)),
        "a storage of another kind than its entry": tensor(storage(kind="FloatStorage")),
        "a storage that is not in the archive": tensor(storage("7")),
    }
    for what, body in outside.items():
        opcode = "BINPERSID" if "storage" in what.split()[1] else "REDUCE"
        yield Attack(what, "tensors", weights(state(a=body)), PickleProblem.OUT_OF_BOUNDS, opcode)
    yield Attack(
        "one storage as two kinds",
        "tensors",
        weights(state(a=tensor(), b=tensor(storage(kind="ShortStorage")))),
        PickleProblem.OUT_OF_BOUNDS,
        "BINPERSID",
    )
    yield Attack(
        "a storage that no tensor is in",
        "tensors",
        weights(state(a=tensor()), {"0": bytes(8), "1": b"cos\nsystem\n(S'a'\ntR."}),
        PickleProblem.STRANGE_ENTRY,
        "STOP",
    )
    half = named("torch", "HalfStorage")
    identifiers = {
        "a storage whose key is a path": storage("../../etc/passwd"),
        "a storage whose key is a full path": storage("/etc/passwd"),
        "a storage with a length below zero": storage(length=-4),
        "a storage of any length": storage(length=2**62),
        "a storage with a true length": storage(length=True),
        "a storage that is a string": text("storage") + PERSID,
        "a storage with a part less": several(text("storage"), half, text("0")) + PERSID,
        "a storage with a part more": (
            several(text("storage"), half, text("0"), text("cpu"), number(4), DICT) + PERSID
        ),
        "something else than a storage": (
            several(text("module"), half, text("0"), text("cpu"), number(4)) + PERSID
        ),
        "a kind of storage that is a function": (
            several(
                text("storage"),
                named("collections", "OrderedDict"),
                *(text("0"), text("cpu"), number(4)),
            )
            + PERSID
        ),
        "a device that is an address": (
            several(text("storage"), half, text("0"), text("http://a/b"), number(4)) + PERSID
        ),
    }
    for what, place in identifiers.items():
        yield Attack(
            what,
            "tensors",
            weights(state(a=tensor(place))),
            PickleProblem.MALFORMED,
            "BINPERSID",
        )


def by_size(_marker: Path) -> Iterator[Attack]:
    """Yield small files that ask for much memory or time."""
    laughs = UNIT + b"q\x00" + b"".join(b"h%c\x86q%c" % (n, n + 1) for n in range(60))
    large = {"0": bytes(1 << 22)}
    whole = tensor(storage(length=1 << 21), shape=(1 << 21,), strides=(1,))
    empty = tensor(shape=(1 << 40, 1 << 40, 0), strides=(0, 0, 0))
    bodies = {
        "a string of four gigabytes": (b"X\xff\xff\xff\xff", "BINUNICODE"),
        "a string of two kilobytes": (text("a" * 2048), "BINUNICODE"),
        "a number of 255 bytes": (b"\x8a\xff" + bytes(255), "LONG1"),
        "a tensor of nine dimensions": (tensor(shape=(1,) * 9, strides=(1,) * 9), "REDUCE"),
        "an empty tensor of endless size": (empty, "REDUCE"),
        "marks within marks": (MARK * 100_000, "MARK"),
        "a long tuple": (MARK + b"K\x01" * 5000 + TUPLE, "TUPLE"),
        "values without end": (MARK + b"K\x01" * 200_000, "BININT1"),
        "tuples within tuples": (UNIT + b"\x85" * OPCODE_LIMIT, "TUPLE1"),
    }
    for what, (body, opcode) in bodies.items():
        yield Attack(what, "size", weights(PROTO + body + STOP), PickleProblem.TOO_LARGE, opcode)
    yield Attack(
        "each tuple twice in the next",
        "size",
        weights(PROTO + DICT + text("a") + laughs + SETITEM + STOP),
        PickleProblem.NO_STATE_DICT,
        "STOP",
    )
    many = {f"t{count}": whole for count in range(40)}
    yield Attack(
        "all of a storage forty times",
        "size",
        weights(state(**many), large),
        PickleProblem.TOO_LARGE,
        "STOP",
    )
    padded = PROTO + DICT + MARK + SETITEMS + STOP + bytes(PICKLE_LIMIT_BYTES)
    yield Attack(
        "a pickle of megabytes",
        "size",
        weights(padded),
        PickleProblem.TOO_LARGE,
        f"{FOLDER}/data.pkl",
    )
    many_entries = {"count": ENTRY_LIMIT + 1}
    yield Attack(
        "an archive of endless entries",
        "size",
        weights(state(a=tensor()), end=many_entries, end_64=many_entries),
        PickleProblem.TOO_LARGE,
    )
