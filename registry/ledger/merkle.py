"""The Merkle tree of RFC 6962: roots, and proofs that anybody can check.

A leaf is ``SHA256(0x00 || entry)``, a node ``SHA256(0x01 || left || right)``, the root of
an empty tree ``SHA256("")``. Trees grow from left to right; in a level with an odd number
of nodes the last one rises unchanged, which gives the same tree as RFC 6962's splitting at
the largest power of two.

Functions that make proofs take leaf hashes and trust them. Functions that verify proofs
take nothing on trust and answer ``False`` to whatever is malformed.

Source: RFC 6962, section 2.1; the verification algorithms are RFC 9162, sections 2.1.3.2
and 2.1.4.2, with their step numbers.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from registry.errors import BadRange

EMPTY_ROOT = hashlib.sha256(b"").digest()
HASH_BYTES = 32

_SIZE_DIGITS = 16


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one entry as a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two nodes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    level = list(leaves)
    while len(level) > 1:
        level = _level_above(level)
    return level[0] if level else EMPTY_ROOT


def inclusion_proof(leaves: Sequence[bytes], index: int, size: int) -> list[bytes]:
    """Return what proves that leaf ``index`` is in the tree of the first ``size`` leaves.

    Raises:
        BadRange: There is no such leaf or size.
    """
    if not 0 <= index < size <= len(leaves):
        raise BadRange(
            f"there is no leaf {index} in a tree of {size} leaves; the ledger has {len(leaves)}",
            index=index,
            size=size,
        )
    level, proof = list(leaves[:size]), []
    while len(level) > 1:
        proof += level[index ^ 1 : (index ^ 1) + 1]  # a last node may have no sibling
        level, index = _level_above(level), index // 2
    return proof


def verify_inclusion(
    leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Return whether ``proof`` shows ``leaf`` at ``index`` of the tree with this root."""
    if not 0 <= index < size or not _are_hashes(leaf, root, *proof):  # step 1
        return False
    node, last, result = index, size - 1, leaf  # steps 2 and 3
    for sibling in proof:  # step 4
        if last == 0:
            return False
        if node % 2 or node == last:
            result = node_hash(sibling, result)
            while node % 2 == 0 and node:
                node, last = node // 2, last // 2
        else:
            result = node_hash(result, sibling)
        node, last = node // 2, last // 2
    return last == 0 and result == root  # step 5


def consistency_proof(leaves: Sequence[bytes], first: int, second: int) -> list[bytes]:
    """Return what proves that the tree of ``first`` leaves is a prefix of that of ``second``.

    Raises:
        BadRange: There are no such sizes, or they are the wrong way round.
    """
    if not 0 <= first <= second <= len(leaves):
        raise BadRange(
            f"sizes go from 0 to {len(leaves)}, the smaller first, not {first} and {second}",
            first=first,
            second=second,
        )
    return _subproof(leaves[:second], first, whole=True) if first else []


def verify_consistency(
    *, first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Return whether ``proof`` shows that the second tree only added to the first."""
    if not 0 <= first <= second or not _are_hashes(first_root, second_root, *proof):
        return False
    if first in (0, second):  # RFC 9162 leaves these out: there is nothing to prove
        return not proof and first_root == (second_root if first else EMPTY_ROOT)
    if not proof:  # step 1
        return False
    path = list(proof)
    if first & (first - 1) == 0:  # step 2: a full first tree is its own first node
        path.insert(0, first_root)
    node, last = first - 1, second - 1  # step 3
    while node % 2:  # step 4
        node, last = node // 2, last // 2
    old = new = path[0]  # step 5
    for sibling in path[1:]:  # step 6
        if last == 0:
            return False
        if node % 2 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while node % 2 == 0 and node:
                node, last = node // 2, last // 2
        else:
            new = node_hash(new, sibling)
        node, last = node // 2, last // 2
    return last == 0 and old == first_root and new == second_root  # step 7


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that appending to a tree needs: the roots of its full subtrees.

    Attributes:
        size: Leaves in the tree.
        peaks: One hash for each bit that is set in ``size``, the largest subtree first.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> "Frontier":
        """Return the frontier with one more leaf hash."""
        peaks, node, size = list(self.peaks), leaf, self.size
        while size % 2:
            node, size = node_hash(peaks.pop(), node), size // 2
        return Frontier(self.size + 1, (*peaks, node))

    def root(self) -> bytes:
        """Return the root of the tree."""
        if not self.peaks:
            return EMPTY_ROOT
        *larger, node = self.peaks
        for peak in reversed(larger):
            node = node_hash(peak, node)
        return node

    def to_hex(self) -> str:
        """Return size (16 digits) and peaks as hex digits."""
        return f"{self.size:0{_SIZE_DIGITS}x}" + b"".join(self.peaks).hex()

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Read back what ``to_hex`` wrote.

        Raises:
            ValueError: It is anything else.
        """
        size, digits = int(text[:_SIZE_DIGITS], 16), bytes.fromhex(text[_SIZE_DIGITS:])
        starts = range(0, len(digits), HASH_BYTES)
        frontier = cls(size, tuple(digits[at : at + HASH_BYTES] for at in starts))
        if len(digits) != size.bit_count() * HASH_BYTES or frontier.to_hex() != text:
            raise ValueError("this is no frontier")
        return frontier


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_BYTES for value in values)


def _level_above(level: list[bytes]) -> list[bytes]:
    above = [node_hash(*pair) for pair in zip(level[::2], level[1::2], strict=False)]
    return above + level[len(above) * 2 :]


def _subproof(leaves: Sequence[bytes], first: int, *, whole: bool) -> list[bytes]:
    """RFC 6962's SUBPROOF; ``whole`` while the verifier knows this subtree's root."""
    if first == len(leaves):
        return [] if whole else [root(leaves)]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = leaves[:split], leaves[split:]
    if first <= split:
        return [*_subproof(left, first, whole=whole), root(right)]
    return [*_subproof(right, first - split, whole=False), root(left)]
