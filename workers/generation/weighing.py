"""How much memory a release takes in an engine, known before it is loaded. Torch-free.

What ``forward`` keeps: products and normalisations in the precision of the device, and the
embedding as it is in the file. A head that is the embedding is a product of its own.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

from registry.checkpoints.headers import ITEM_BYTES, Tensor

EMBEDDING = "model.embed_tokens.weight"
HEAD = "lm_head.weight"
TENSORS = ".safetensors"
"""How the names of the files end that hold weights."""


@dataclass(frozen=True, slots=True)
class Device:
    """What an engine computes on.

    Attributes:
        item_bytes: Of one number in the precision that it computes in.
        memory_bytes: All that it has, of a machine without a GPU what its container may take.
    """

    item_bytes: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Weight:
    """What a release takes.

    Attributes:
        weights_bytes: Of memory, for its weights.
        cache_bytes: Of memory, for the keys and values of what it generates, at most.
        file_bytes: To read and verify.
    """

    weights_bytes: int
    cache_bytes: int
    file_bytes: int

    @property
    def size_bytes(self) -> int:
        """All memory that it takes."""
        return self.weights_bytes + self.cache_bytes


def weights_bytes(tensors: Collection[Tensor], *, item_bytes: int) -> int:
    """Return the memory for the weights of an engine.

    Args:
        tensors: All that the files hold, from their headers.
        item_bytes: Of one number in the precision that the device computes in.
    """
    numbers = {each.name: math.prod(each.shape) for each in tensors}
    dtypes = {each.name: each.dtype for each in tensors}
    embedding = numbers.get(EMBEDDING, 0)
    others = sum(numbers.values()) - embedding + (0 if HEAD in numbers else embedding)
    kept = embedding * ITEM_BYTES[dtypes[EMBEDDING]] if embedding else 0
    return others * item_bytes + kept
