"""How the tensors in a folder compare with those of one known checkpoint.

The question is asked from the strictest to the loosest answer, and the first that fits is
given: the same numbers; the same after rounding to bfloat16; the same but for a mistake in
the order of the rows of ``wq`` and ``wk``, by name; the same but for few tensors; some of
the same tensors; nothing.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import numpy as np

from registry.checkpoints import llama
from registry.checkpoints.canonical import BLOCK_BYTES, Reorder, Whole, reordered, unpermuting
from registry.checkpoints.rounding import converted
from registry.checkpoints.tensors import (
    EMBEDDING,
    TensorDigest,
    TensorRoots,
    digest_tensor,
    roots_of,
    without_tied_output,
)
from registry.checkpoints.weights import Weights


class Kind(StrEnum):
    """What a folder is to a known checkpoint, the most precise first."""

    SAME_FILES = "same_files"
    SAME_WEIGHTS = "same_weights"
    SAME_AFTER_BF16 = "same_after_bf16"
    ROWS_IN_WRONG_ORDER = "rows_in_wrong_order"
    DIFFERS = "differs"
    SHARES = "shares"
    PART_OF_FILES = "part_of_files"
    UNKNOWN = "unknown"


class Mistake(StrEnum):
    """A known mistake in the order of the rows of the query and key matrices."""

    NOT_PERMUTED = "not_permuted"
    PERMUTED_TWICE = "permuted_twice"
    PERMUTED_BACKWARDS = "permuted_backwards"
    STILL_PERMUTED = "still_permuted"
    PUT_BACK_TWICE = "put_back_twice"
    KEYS_AS_QUERIES = "keys_as_queries"

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return _MISTAKES[self]


_MISTAKES = {
    Mistake.NOT_PERMUTED: "the rows of q_proj and k_proj are in Meta's order under Hugging "
    "Face's names: they were not permuted",
    Mistake.PERMUTED_TWICE: "the rows of q_proj and k_proj were permuted twice",
    Mistake.PERMUTED_BACKWARDS: "the rows of q_proj and k_proj were permuted the wrong way round",
    Mistake.STILL_PERMUTED: "the rows of wq and wk are in Hugging Face's order under other "
    "names: they were not put back",
    Mistake.PUT_BACK_TWICE: "the rows of wq and wk were put back twice",
    Mistake.KEYS_AS_QUERIES: "the rows of the keys were permuted as if they had as many heads "
    "as the queries",
}


@dataclass(frozen=True, slots=True)
class TensorsFound:
    """The tensors of a folder.

    Attributes:
        weights: Where they are read again when a question needs it.
        digests: In the same order.
        roots: Over ``digests``.
    """

    weights: Weights
    digests: tuple[TensorDigest, ...]
    roots: TensorRoots


@dataclass(frozen=True, slots=True)
class Likeness:
    """How the tensors in a folder compare with those of a known checkpoint.

    Attributes:
        kind: The answer.
        shared: How many of the folder's tensors are among the checkpoint's.
        of: How many tensors the folder has.
        different: Canonical names of tensors that both have and that differ.
        missing: Of tensors that the folder lacks.
        extra: Of tensors that only the folder has.
        mistake: What went wrong with the order of rows.
        remark: More about how the tensors are the same.
    """

    kind: Kind
    shared: int
    of: int
    different: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    mistake: Mistake | None = None
    remark: str = ""


def compare_tensors(found: TensorsFound, known: Sequence[TensorDigest]) -> Likeness | None:
    """Compare the tensors in a folder with those of a checkpoint; ``None`` if none is alike.

    Args:
        found: Of the folder.
        known: Of the checkpoint, in canonical order.
    """
    total, roots = len(found.digests), roots_of(known)
    if not known or not found.digests:
        return None
    if found.roots.stored == roots.stored:
        return Likeness(Kind.SAME_WEIGHTS, total, total)
    by_name = {each.name: each for each in known}
    if found.roots.bf16 == roots.bf16:
        return _same_but_for_dtypes(found, by_name)
    theirs = without_tied_output({each.name: each.cast for each in known})
    ours = without_tied_output({each.name: each.cast for each in found.digests})
    common = [name for name in ours if name in theirs]
    different = tuple(name for name in common if ours[name] != theirs[name])
    is_whole = ours.keys() == theirs.keys() and all(ours[n][1] == theirs[n][1] for n in common)
    if is_whole and different:
        mistake = _mistake(found, {name: by_name[name] for name in different})
        if mistake is not None:
            return Likeness(
                Kind.ROWS_IN_WRONG_ORDER, total - len(different), total, different, mistake=mistake
            )
    shared = _shared(found, known)
    if not shared:
        return None
    few = is_whole and len(different) * 2 < len(ours)
    return Likeness(
        Kind.DIFFERS if few else Kind.SHARES,
        shared,
        total,
        different,
        missing=tuple(name for name in theirs if name not in ours),
        extra=tuple(name for name in ours if name not in theirs),
    )


def _same_but_for_dtypes(found: TensorsFound, known: Mapping[str, TensorDigest]) -> Likeness:
    """Tell numbers that are stored wider from numbers that were rounded."""
    total = len(found.digests)
    pairs = [
        (whole, each, known.get(each.name) or known[EMBEDDING])  # an output that is tied there
        for whole, each in zip(found.weights.wholes, found.digests, strict=True)
    ]
    others = [(whole, each, other) for whole, each, other in pairs if each.stored != other.stored]
    dtypes = sorted({f"{other.dtype} became {each.dtype}" for _, each, other in others})
    remark = ", ".join(dtypes)
    if all(_sha_as(whole, other.dtype) == other.sha256 for whole, _, other in others):
        return Likeness(Kind.SAME_WEIGHTS, total, total, remark=f"{remark}, without rounding")
    return Likeness(Kind.SAME_AFTER_BF16, total, total, remark=remark)


def _sha_as(whole: Whole, dtype: str) -> str | None:
    """Return the digest that a tensor would have in another dtype; ``None`` if it does not fit."""
    sha = hashlib.sha256()
    for block in whole.blocks():
        bits = converted(block, whole.dtype, to=dtype)
        if bits is None:
            return None
        sha.update(bits.data)
    return sha.hexdigest()


def _mistake(found: TensorsFound, different: Mapping[str, TensorDigest]) -> Mistake | None:
    """Return the mistake that explains every tensor that differs."""
    if not all(map(llama.is_rotary, different)):
        return None
    wholes = [each for each in found.weights.wholes if each.name in different]
    head_dim = found.weights.head_dim
    if head_dim is None or head_dim % 2:
        return None
    heads = _query_heads(found, head_dim)
    for mistake, order_of in _orders(found.weights, head_dim, heads):
        if all(_is(whole, order_of(whole), different[whole.name]) for whole in wholes):
            return mistake
    return None


def _orders(
    weights: Weights, head_dim: int, heads: int
) -> Iterator[tuple[Mistake, Callable[[Whole], Reorder | None]]]:
    """Yield, for each mistake, what puts the rows as they are in the file into order."""
    back, forth = (
        unpermuting(head_dim),
        Reorder(head_dim, partial(llama.permute, head_dim=head_dim)),
    )
    twice = Reorder(head_dim, lambda bits: back.apply(back.apply(bits)))
    same = Reorder(head_dim, lambda bits: bits)
    if weights.form == "huggingface":
        yield Mistake.NOT_PERMUTED, lambda _: same
        yield Mistake.PERMUTED_TWICE, lambda _: twice
        yield Mistake.PERMUTED_BACKWARDS, lambda _: forth
        yield Mistake.KEYS_AS_QUERIES, lambda whole: _as_queries(whole, heads)
    else:
        yield Mistake.STILL_PERMUTED, lambda _: back
        yield Mistake.PUT_BACK_TWICE, lambda _: forth


def _query_heads(found: TensorsFound, head_dim: int) -> int:
    queries = (each for each in found.weights.wholes if each.name.endswith("wq.weight"))
    return next((each.shape[0] // head_dim for each in queries), 0)


def _as_queries(whole: Whole, heads: int) -> Reorder | None:
    rows = whole.shape[0]
    size = rows // heads if heads and rows % heads == 0 else 0
    return unpermuting(size) if size and size % 2 == 0 else None


def _is(whole: Whole, order: Reorder | None, known: TensorDigest) -> bool:
    moved = reordered(whole, order) if order is not None else None
    return moved is not None and digest_tensor(moved, lambda _: None).cast == known.cast


def _shared(found: TensorsFound, known: Sequence[TensorDigest]) -> int:
    """Count tensors that the checkpoint has too, under whatever name.

    A tensor whose elements are all alike, such as a norm that was never trained, says
    nothing about where it came from.
    """
    theirs = {each.cast for each in known}
    pairs = zip(found.weights.wholes, found.digests, strict=True)
    return sum(each.cast in theirs and not _is_constant(whole) for whole, each in pairs)


def _is_constant(whole: Whole) -> bool:
    if whole.size_bytes > BLOCK_BYTES:
        return False
    elements = np.concatenate([np.zeros(0, whole.parts[0].dtype), *whole.blocks()])
    return not elements.size or bool((elements == elements[0]).all())
