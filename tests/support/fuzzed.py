"""What is done with one input of the fuzzer, by the fuzzer and by the test that replays it.

The first byte says how the others are meant, because a fuzzer guesses neither checksums
nor long names:

- ``z``: they are the whole file;
- ``w``: each of them is a word of a pickle, an instruction with its argument or a few of
  them, in a right archive;
- any other: they are the pickle in a right archive.
"""

import zlib
from contextlib import suppress

from registry.checkpoints.pickle_values import GLOBALS
from registry.checkpoints.pickles import tensors_of
from registry.errors import RefusedPickle
from tests.support import pickled
from tests.support.pickled import PROTO, STOP, named, number, storage, tensor, text, weights

STORAGES = {"0": bytes(range(8)), "1": bytes(64), "2": b""}
WHOLE_FILE, WORDS = b"z", b"w"

_STRINGS = ("", "a", "b", "0", "1", "2", "cpu", "cuda:0", "storage", "version", "_metadata")
_NUMBERS = (*range(-2, 9), 1 << 40, 1 << 62, True, False)
_VOCABULARY = (
    *(pickled.DICT, pickled.MARK, pickled.UNIT, pickled.TUPLE, b"\x85", b"\x86", b"\x87"),
    *(pickled.REDUCE, pickled.BUILD, pickled.SETITEM, pickled.SETITEMS, pickled.PERSID, STOP),
    *(pickled.ORDERED, storage(), storage("1", "FloatStorage", 16), storage("2", length=0)),
    *(tensor(), tensor(storage("1", "LongStorage", 8), shape=(2,), strides=(4,))),
    *(tensor(storage("2", length=0), shape=(0,), strides=(1,)),),
    *(named(module, name) for module, name in GLOBALS),
    *(text(each) for each in _STRINGS),
    *(number(each) for each in _NUMBERS),
    *(b"h%c" % place for place in range(8)),
)


def read(data: bytes) -> None:
    """Read an input; whatever is read must be fit for use, and all else refused as such."""
    way, rest = data[:1], data[1:]
    if way == WHOLE_FILE:
        file = rest
    else:
        pickle = _program(rest) if way == WORDS else rest
        named_in_it = {key: data for key, data in STORAGES.items() if text(key) in pickle}
        file = weights(PROTO + pickle + STOP, named_in_it)
    with suppress(RefusedPickle):
        for found in tensors_of(memoryview(file), file="fuzzed.pth"):
            assert found.name
            assert found.size_bytes <= max(8 * len(file), 1)
            assert not found.bits.flags.writeable
            zlib.crc32(found.bits.tobytes())


def _program(words: bytes) -> bytes:
    """Return a program of the vocabulary; words beyond it fill the next place of the memo."""
    parts, filled = [], 0
    for word in words:
        if word < len(_VOCABULARY):
            parts.append(_VOCABULARY[word])
        else:
            parts.append(b"r" + filled.to_bytes(4, "little"))
            filled += 1
    return b"".join(parts)
