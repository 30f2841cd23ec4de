"""Pickles that use the stack, the memo, or instructions that no tensor needs."""

from collections.abc import Iterator
from pathlib import Path

from registry.errors import PickleProblem
from tests.support.attack import Attack
from tests.support.attacks_with_globals import touch
from tests.support.pickled import (
    BUILD,
    DICT,
    FOLDER,
    MARK,
    ORDERED,
    PROTO,
    REDUCE,
    SETITEM,
    SETITEMS,
    STOP,
    TUPLE,
    UNIT,
    call,
    items,
    named,
    number,
    several,
    state,
    tensor,
    text,
    weights,
)

PICKLE = f"{FOLDER}/data.pkl"
TENSOR = DICT + items(a=tensor())


def by_opcode(marker: Path) -> Iterator[Attack]:
    """Yield pickles with instructions that are not read."""
    shell = text(f"touch '{marker}'")
    system = named("posix", "system")
    bodies = {
        ("INST", "makes an object with INST"): MARK + shell + b"iposix\nsystem\n",
        ("OBJ", "makes an object with OBJ"): MARK + named("collections", "OrderedDict") + b"o",
        ("NEWOBJ", "makes an object with NEWOBJ"): (
            named("collections", "OrderedDict") + UNIT + b"\x81"
        ),
        ("NEWOBJ_EX", "makes an object with NEWOBJ_EX"): (
            named("collections", "OrderedDict") + UNIT + DICT + b"\x92"
        ),
        ("STACK_GLOBAL", "puts a name together on the stack"): (
            text("posix") + text("system") + b"\x93" + several(shell) + REDUCE
        ),
        ("SHORT_BINUNICODE", "writes a name in the form of protocol 4"): (
            b"\x8c\x05posix\x8c\x06system\x93" + several(shell) + REDUCE
        ),
        ("EXT1", "takes a name from the registry of extensions"): b"\x82\x01",
        ("EXT2", "takes a name from the registry, in two bytes"): b"\x83\x01\x00",
        ("EXT4", "takes a name from the registry, in four bytes"): b"\x84\x01\x00\x00\x00",
        ("GLOBAL", "calls, and drops what it returns"): touch(marker) + b"0" + TENSOR,
        ("GLOBAL", "calls, and drops what it returns up to a mark"): (
            MARK + touch(marker) + b"1" + TENSOR
        ),
        ("DUP", "doubles a value"): DICT + b"2" + b"0",
        ("PERSID", "names a storage in a line of text"): b"Pposix.system\n",
        ("STRING", "reads a string with escapes"): b"S'\\x6fs'\n",
        ("UNICODE", "reads a string with other escapes"): b"V\\u006fs\n",
        ("PUT", "fills the memo in text"): DICT + b"p0\n",
        ("GET", "reads the memo in text"): DICT + b"q\x00g0\n",
        ("MEMOIZE", "fills the memo in the form of protocol 4"): DICT + b"\x94",
        ("FRAME", "frames an instruction"): b"\x95" + (8).to_bytes(8, "little") + TENSOR,
        ("BINUNICODE8", "announces a string of any length"): b"\x8d" + b"\xff" * 8,
        ("NEXT_BUFFER", "asks for a buffer from elsewhere"): b"\x97",
    }
    for (opcode, what), body in bodies.items():
        problem = PickleProblem.GLOBAL if opcode == "GLOBAL" else PickleProblem.OPCODE
        yield Attack(what, "opcodes", weights(PROTO + body + STOP), problem, opcode)
    hidden = ORDERED + b"0" + TENSOR
    yield Attack(
        "drops an allowed value",
        "opcodes",
        weights(PROTO + hidden + STOP),
        PickleProblem.OPCODE,
        "POP",
    )
    yield Attack(
        "a pickle within the pickle's bytes",
        "opcodes",
        weights(PROTO + b"C" + bytes([9]) + b"\x80\x02}q\x00.   " + system + REDUCE + STOP),
        PickleProblem.NO_STATE_DICT,
        "SHORT_BINBYTES",
    )
    yield Attack(
        "a byte that is no instruction",
        "opcodes",
        weights(PROTO + b"\xff"),
        PickleProblem.MALFORMED,
        PICKLE,
    )
    yield Attack(
        "says that it is protocol 5",
        "opcodes",
        weights(b"\x80\x05" + TENSOR + STOP),
        PickleProblem.NO_STATE_DICT,
        "PROTO",
    )


def by_attributes(_marker: Path) -> Iterator[Attack]:
    """Yield pickles that give attributes to what is allowed, or call it with something else."""
    system = named("posix", "system")

    def metadata(parts: bytes) -> bytes:
        return DICT + text("_metadata") + parts + SETITEM + BUILD

    bodies = {
        "sets an attribute of the dictionary": (
            ORDERED + DICT + items(__class__=text("a")) + BUILD,
            "BUILD",
        ),
        "sets an attribute beside the versions": (
            ORDERED + DICT + items(_metadata=ORDERED, other=text("a")) + BUILD,
            "BUILD",
        ),
        "sets an attribute of a plain dictionary": (DICT + metadata(ORDERED), "BUILD"),
        "sets an attribute of a tensor": (tensor() + metadata(ORDERED), "BUILD"),
        "sets an attribute of a function": (
            named("torch._utils", "_rebuild_tensor_v2") + metadata(ORDERED),
            "BUILD",
        ),
        "sets state in two parts": (
            ORDERED + DICT + DICT + items(a=text("b")) + b"\x86" + BUILD,
            "BUILD",
        ),
        "hides a tensor among the versions": (
            ORDERED + metadata(ORDERED + items(a=DICT + items(version=tensor()))),
            "BUILD",
        ),
        "calls OrderedDict with items": (
            call("collections", "OrderedDict", several(several(text("a"), text("b")))),
            "REDUCE",
        ),
        "calls a kind of storage": (call("torch", "HalfStorage", number(4)), "REDUCE"),
        "calls a string": (text("system") + UNIT + REDUCE, "REDUCE"),
        "calls with a dictionary for arguments": (
            named("collections", "OrderedDict") + DICT + REDUCE,
            "REDUCE",
        ),
        "gives a tensor one argument more": (DICT + items(a=tensor(more=DICT)), "REDUCE"),
        "gives a tensor a name for its hooks": (
            DICT + items(a=tensor(hooks=text("system"))),
            "REDUCE",
        ),
    }
    for what, (body, opcode) in bodies.items():
        yield Attack(
            what, "attributes", weights(PROTO + body + STOP), PickleProblem.MALFORMED, opcode
        )
    yield Attack(
        "gives a tensor hooks",
        "attributes",
        weights(state(a=tensor(hooks=ORDERED + items(a=text("b"))))),
        PickleProblem.NO_STATE_DICT,
        "REDUCE",
    )
    yield Attack(
        "gives a tensor a function for its hooks",
        "attributes",
        weights(state(a=tensor(hooks=system))),
        PickleProblem.GLOBAL,
        "GLOBAL",
    )


def by_memo(marker: Path) -> Iterator[Attack]:
    """Yield pickles that read or fill the memo as no pickler does."""
    bodies = {
        "fills a place of the memo again": (
            DICT + b"q\x00" + ORDERED + b"q\x00h\x00" + SETITEMS,
            "BINPUT",
        ),
        "fills the memo far away": (DICT + b"r\xff\xff\xff\x7f", "LONG_BINPUT"),
        "fills the memo out of order": (DICT + b"q\x01", "BINPUT"),
        "fills the memo with nothing": (b"q\x00" + DICT, "BINPUT"),
        "fills the memo from below a mark": (DICT + MARK + b"q\x00" + SETITEMS, "BINPUT"),
        "reads an empty place of the memo": (b"h\x07", "BINGET"),
        "reads a place of the memo far away": (b"j\xff\xff\xff\xff", "LONG_BINGET"),
        "adds hooks to a tensor that is made": (
            ORDERED
            + b"q\x00"
            + MARK
            + text("a")
            + tensor(hooks=b"h\x00")
            + b"h\x00"
            + items(b=text("c"))
            + SETITEMS,
            "SETITEMS",
        ),
    }
    for what, (body, opcode) in bodies.items():
        yield Attack(what, "memo", weights(PROTO + body + STOP), PickleProblem.MALFORMED, opcode)
    loop = DICT + b"q\x00" + MARK + text("a") + b"h\x00" + SETITEMS
    yield Attack(
        "puts a dictionary into itself",
        "memo",
        weights(PROTO + loop + STOP),
        PickleProblem.NO_STATE_DICT,
        "STOP",
    )
    late = DICT + items(a=tensor()) + b"q\x00" + MARK + text("b") + touch(marker) + SETITEMS
    yield Attack(
        "calls after filling the memo",
        "memo",
        weights(PROTO + late + STOP),
        PickleProblem.GLOBAL,
        "GLOBAL",
    )


def by_stack(marker: Path) -> Iterator[Attack]:
    """Yield pickles that are broken, before or after what they run."""
    harm = touch(marker)
    bodies = {
        "takes from an empty stack": (PROTO + REDUCE, PickleProblem.MALFORMED, "REDUCE"),
        "takes from below a mark": (
            PROTO + DICT + MARK + b"\x85",
            PickleProblem.MALFORMED,
            "TUPLE1",
        ),
        "goes back to no mark": (PROTO + DICT + TUPLE, PickleProblem.MALFORMED, "TUPLE"),
        "leaves two values": (PROTO + DICT + TENSOR + STOP, PickleProblem.MALFORMED, "STOP"),
        "leaves a mark": (PROTO + MARK + DICT + STOP, PickleProblem.MALFORMED, "STOP"),
        "leaves no value": (PROTO + STOP, PickleProblem.MALFORMED, "STOP"),
        "sets a key without a value": (
            PROTO + DICT + MARK + text("a") + SETITEMS + STOP,
            PickleProblem.MALFORMED,
            "SETITEMS",
        ),
        "sets items of a tensor": (
            PROTO + tensor() + items(a=DICT) + STOP,
            PickleProblem.MALFORMED,
            "SETITEMS",
        ),
        "sets a key twice": (
            PROTO + TENSOR + items(a=tensor()) + STOP,
            PickleProblem.MALFORMED,
            "SETITEMS",
        ),
        "has no first instruction": (TENSOR + STOP, PickleProblem.MALFORMED, "EMPTY_DICT"),
        "begins twice": (PROTO + PROTO + TENSOR + STOP, PickleProblem.MALFORMED, "PROTO"),
        "calls, then breaks": (PROTO + harm + b"\xff", PickleProblem.GLOBAL, "GLOBAL"),
        "calls, then ends": (PROTO + harm, PickleProblem.GLOBAL, "GLOBAL"),
        "ends within an instruction": (
            PROTO + b"X\x05\x00\x00\x00a",
            PickleProblem.DAMAGED,
            "BINUNICODE",
        ),
        "ends without STOP": (PROTO + TENSOR, PickleProblem.DAMAGED, PICKLE),
        "is empty": (b"", PickleProblem.DAMAGED, PICKLE),
        "has a second pickle behind the first": (
            PROTO + TENSOR + STOP + PROTO + harm + STOP,
            PickleProblem.MALFORMED,
            "PROTO",
        ),
    }
    for what, (pickle, problem, opcode) in bodies.items():
        yield Attack(what, "stack", weights(pickle), problem, opcode)
