"""The digest of each tensor, and the tensor root: the weights' identity in any layout.

For every tensor in canonical form (``registry.checkpoints.canonical``) there are two
digests, both SHA-256 over its elements, row after row, little-endian, with nothing between
them: one of the elements as they are stored, one after the cast to bfloat16
(``registry.checkpoints.rounding``; only ``F16`` and ``F32`` are cast). A leaf is the JSON

    {"dtype":"BF16","kind":"corral.tensor/1","name":NAME,"sha256":HEX,"shape":[ROWS,COLUMNS]}

with keys in this order, no spaces, in UTF-8 without escapes beyond those that JSON demands.
A root is that of the Merkle tree of RFC 6962 over the leaves in canonical order: one root
over the stored tensors, one over the cast ones, whose leaves have the cast's dtype. The
output matrix is left out of a tree where it is, bit for bit, the embedding: whether a
checkpoint with tied embeddings stores it twice makes no difference.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from registry.checkpoints.canonical import Whole
from registry.checkpoints.digest import Progress, in_parallel
from registry.checkpoints.rounding import is_rounded, to_bf16
from registry.ledger import merkle
from registry.ledger.canonical import canonical_json

LEAF_KIND = "corral.tensor/1"

Elements = tuple[str, tuple[int, ...], str]
"""Dtype, shape and SHA-256."""

EMBEDDING = "tok_embeddings.weight"
OUTPUT = "output.weight"


@dataclass(frozen=True, slots=True)
class TensorDigest:
    """What one tensor's elements are.

    Attributes:
        name: Canonical.
        dtype: As stored, a key of ``registry.checkpoints.headers.ITEM_BYTES``.
        shape: Of the whole tensor.
        sha256: Of the stored elements; 64 lower-case hex digits.
        bf16_sha256: Of the elements after the cast; equal to ``sha256`` where there is none.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str
    bf16_sha256: str

    @property
    def stored(self) -> Elements:
        """What the tensor is, whatever its name."""
        return self.dtype, self.shape, self.sha256

    @property
    def cast(self) -> Elements:
        """What the tensor is after the cast, whatever its name."""
        return ("BF16" if is_rounded(self.dtype) else self.dtype), self.shape, self.bf16_sha256


@dataclass(frozen=True, slots=True)
class TensorRoots:
    """The identity of a checkpoint's weights, whatever its layout.

    Attributes:
        stored: The tensor root; 64 lower-case hex digits.
        bf16: The root after the cast to bfloat16, which narrower copies share.
    """

    stored: str
    bf16: str


def digest_tensors(
    wholes: Sequence[Whole], *, progress: Progress | None = None, threads: int | None = None
) -> list[TensorDigest]:
    """Digest tensors, several at a time.

    Args:
        wholes: In canonical order.
        progress: Called with a number of stored bytes done, never by two threads at once.
        threads: How many at a time; by default one for each processor.

    Returns:
        One digest for each tensor, in the order of ``wholes``.
    """
    # The largest first, so that no thread is left alone with one at the end.
    order = sorted(range(len(wholes)), key=lambda at: -wholes[at].size_bytes)
    digests = in_parallel(
        digest_tensor, [wholes[at] for at in order], progress=progress, threads=threads
    )
    by_place = dict(zip(order, digests, strict=True))
    return [by_place[at] for at in range(len(wholes))]


def digest_tensor(whole: Whole, progress: Progress) -> TensorDigest:
    """Digest one tensor in one pass over its elements."""
    stored, rounds = hashlib.sha256(), is_rounded(whole.dtype)
    cast = hashlib.sha256() if rounds else stored
    for block in whole.blocks():
        stored.update(block.data)
        if rounds:
            cast.update(to_bf16(block, whole.dtype).data)
        progress(block.nbytes)
    return TensorDigest(whole.name, whole.dtype, whole.shape, stored.hexdigest(), cast.hexdigest())


def roots_of(digests: Sequence[TensorDigest]) -> TensorRoots:
    """Return both roots over digests in canonical order."""
    return TensorRoots(
        stored=_root((each.name, each.stored) for each in digests),
        bf16=_root((each.name, each.cast) for each in digests),
    )


def leaf(name: str, elements: Elements) -> bytes:
    """Return the bytes of a leaf, before it is hashed as one."""
    dtype, shape, sha256 = elements
    return canonical_json(
        {"dtype": dtype, "kind": LEAF_KIND, "name": name, "sha256": sha256, "shape": list(shape)}
    )


def without_tied_output(named: Mapping[str, Elements]) -> dict[str, Elements]:
    """Return tensors by name, without the output matrix if it is the embedding."""
    tied = named.get(OUTPUT) == named.get(EMBEDDING)
    return {name: each for name, each in named.items() if name != OUTPUT or not tied}


def _root(tensors: Iterable[tuple[str, Elements]]) -> str:
    listed = without_tied_output(dict(tensors))
    leaves = [merkle.leaf_hash(leaf(name, elements)) for name, elements in listed.items()]
    return merkle.root(leaves).hex()
