"""The instructions of a pickle that are read, and their arguments.

A pickle is a program. Of its 68 instructions, the state dict of a model needs the ones in
``Op``, all of protocol 2; any other ends the reading.

Source: the comments of ``pickletools`` in Python's library.
"""

import pickletools
from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple

from registry.checkpoints.faults import Fault
from registry.errors import PickleProblem

PROTOCOL = 2
PICKLE_LIMIT_BYTES = 1 << 22
OPCODE_LIMIT = 250_000
STRING_LIMIT_BYTES = 1024
NUMBER_LIMIT_BYTES = 8


class Op(Enum):
    """An instruction; its value is its byte."""

    PROTO = b"\x80"
    MARK = b"("
    STOP = b"."
    EMPTY_DICT = b"}"
    EMPTY_TUPLE = b")"
    TUPLE1 = b"\x85"
    TUPLE2 = b"\x86"
    TUPLE3 = b"\x87"
    TUPLE = b"t"
    NEWTRUE = b"\x88"
    NEWFALSE = b"\x89"
    BININT = b"J"
    BININT1 = b"K"
    BININT2 = b"M"
    LONG1 = b"\x8a"
    BINUNICODE = b"X"
    BINPUT = b"q"
    LONG_BINPUT = b"r"
    BINGET = b"h"
    LONG_BINGET = b"j"
    GLOBAL = b"c"
    BINPERSID = b"Q"
    REDUCE = b"R"
    BUILD = b"b"
    SETITEM = b"s"
    SETITEMS = b"u"


class Step(NamedTuple):
    """One instruction.

    Attributes:
        op: What to do.
        argument: A module and a name for ``GLOBAL``, a string for ``BINUNICODE``, a number
            for the others that have one, else ``None``.
        position: Its byte in the pickle.
    """

    op: Op
    argument: Any
    position: int


NAMES = {ord(each.code): each.name for each in pickletools.opcodes}

# These make plain values that are no tensors; they could do no harm.
_PLAIN = frozenset(
    {"NONE", "BINFLOAT", "FLOAT", "INT", "LONG", "LONG4", "EMPTY_LIST", "LIST", "APPEND"}
    | {"APPENDS", "DICT", "EMPTY_SET", "ADDITEMS", "FROZENSET", "BINBYTES", "SHORT_BINBYTES"}
    | {"BINBYTES8", "BYTEARRAY8"}
)

_BY_BYTE = {each.value[0]: each for each in Op}
_FIXED = {Op.BININT1: 1, Op.BININT2: 2, Op.BININT: 4} | {
    Op.PROTO: 1,
    Op.BINPUT: 1,
    Op.BINGET: 1,
    Op.LONG_BINPUT: 4,
    Op.LONG_BINGET: 4,
}


def decode(pickle: bytes) -> Iterator[Step]:
    """Yield the instructions of a pickle up to its end, which must be its last byte.

    Raises:
        Fault: It has an instruction that is not read, or is malformed or too long.
    """
    position = 0
    for _ in range(OPCODE_LIMIT):
        step, after = _step(pickle, position)
        yield step
        position = after
        if step.op is Op.STOP:
            if position != len(pickle):
                raise Fault(
                    PickleProblem.MALFORMED, "bytes follow the pickle's STOP", position=position
                )
            return
    raise Fault(
        PickleProblem.TOO_LARGE, f"it has over {OPCODE_LIMIT} instructions", position=position
    )


def _step(pickle: bytes, position: int) -> tuple[Step, int]:
    """Return the instruction at a position, and where the next one begins."""
    if position >= len(pickle):
        raise Fault(PickleProblem.DAMAGED, "the pickle ends without STOP", position=position)
    op = _BY_BYTE.get(pickle[position])
    if op is None:
        raise _unlisted(pickle[position], position)
    try:
        argument, after = _argument(op, pickle, position + 1)
    except Fault as fault:
        fault.position = position
        raise
    if after > len(pickle):
        raise Fault(PickleProblem.DAMAGED, "the pickle ends inside this", position=position)
    return Step(op, argument, position), after


def _argument(op: Op, pickle: bytes, begin: int) -> tuple[Any, int]:
    """Return an instruction's argument and where the next instruction begins."""
    if op in _FIXED:
        end = begin + _FIXED[op]
        return int.from_bytes(pickle[begin:end], "little", signed=op is Op.BININT), end
    if op is Op.LONG1:
        size = int.from_bytes(pickle[begin : begin + 1], "little")
        if size > NUMBER_LIMIT_BYTES:
            raise Fault(PickleProblem.TOO_LARGE, f"a number has {size} bytes")
        end = begin + 1 + size
        return int.from_bytes(pickle[begin + 1 : end], "little", signed=True), end
    if op is Op.BINUNICODE:
        size = int.from_bytes(pickle[begin : begin + 4], "little")
        if size > STRING_LIMIT_BYTES:
            raise Fault(PickleProblem.TOO_LARGE, f"a string has {size} bytes")
        end = begin + 4 + size
        return _text(pickle[begin + 4 : end]), end
    if op is Op.GLOBAL:
        module, end = _line(pickle, begin)
        name, end = _line(pickle, end)
        return (module, name), end
    return None, begin


def _line(pickle: bytes, begin: int) -> tuple[str, int]:
    end = pickle.find(b"\n", begin, begin + STRING_LIMIT_BYTES)
    if end < 0:
        raise Fault(PickleProblem.MALFORMED, "a name does not end")
    return _text(pickle[begin:end]), end + 1


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Fault(PickleProblem.MALFORMED, "a string is not UTF-8") from error


def _unlisted(byte: int, position: int) -> Fault:
    name = NAMES.get(byte)
    if name is None:
        problem, what = PickleProblem.MALFORMED, f"the byte {byte:#04x} is no instruction"
    elif name in _PLAIN:
        problem, what = PickleProblem.NO_STATE_DICT, f"{name} makes a value that is no tensor"
    else:
        problem, what = PickleProblem.OPCODE, f"the instruction {name} is not read"
    return Fault(problem, what, position=position)
