"""What is done with one input of the fuzzer, by the fuzzer and by the test that replays it.

The first byte says how the others are meant. ``z``: they are the whole file. Any other:
they are the pickle in a right archive, because a fuzzer does not guess checksums, and
without this it would never come as far as the pickle.
"""

import zlib
from contextlib import suppress

from registry.checkpoints.pickles import tensors_of
from registry.errors import RefusedPickle
from tests.support.pickled import PROTO, STOP, weights

STORAGES = {"0": bytes(range(8)), "1": bytes(64), "2": b""}
WHOLE_FILE = b"z"


def read(data: bytes) -> None:
    """Read an input; whatever is read must be fit for use, and all else refused as such."""
    whole, rest = data[:1] == WHOLE_FILE, data[1:]
    file = rest if whole else weights(PROTO + rest + STOP, STORAGES)
    with suppress(RefusedPickle):
        for tensor in tensors_of(memoryview(file), file="fuzzed.pth"):
            assert tensor.name
            assert tensor.size_bytes <= max(8 * len(file), 1)
            assert not tensor.bits.flags.writeable
            zlib.crc32(tensor.bits.tobytes())
