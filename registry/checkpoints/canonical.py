"""The tensors of a checkpoint in canonical form: Meta's names, order and rows, whole.

A ``Whole`` is put together while it is read, block after block: the parts that Meta's
shards hold are joined, and the rows of Hugging Face's ``q_proj`` and ``k_proj`` are put
back into Meta's order. No more than a block of it is ever in memory of our own.

A tensor that LLaMA does not have, and ``q_proj`` or ``k_proj`` where the size of a head is
not known, keep the name and the rows that they have. Tables of rotary frequencies are no
weights and are left out.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from registry.checkpoints import llama
from registry.checkpoints.stored import Bits, StoredTensor
from registry.errors import BadCheckpoint

BLOCK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Reorder:
    """Another order of the rows of a matrix.

    Attributes:
        unit: Rows that belong together: any multiple can be reordered by itself.
        apply: Takes ``(n * unit, columns)`` and returns its rows in the other order.
    """

    unit: int
    apply: Callable[[Bits], Bits]


@dataclass(frozen=True, slots=True)
class Whole:
    """One tensor in canonical form.

    Attributes:
        name: Its canonical name.
        found_as: Its name in the file.
        dtype: A key of ``registry.checkpoints.headers.ITEM_BYTES``.
        shape: Of the whole.
        parts: What the files hold, in the order of the shards.
        by_columns: The parts stand beside one another; else one below the other.
        reorder: What puts the rows of each part into canonical order, if they are not.
    """

    name: str
    found_as: str
    dtype: str
    shape: tuple[int, ...]
    parts: tuple[Bits, ...]
    by_columns: bool = False
    reorder: Reorder | None = None

    @property
    def size_bytes(self) -> int:
        """How many bytes its elements have together."""
        return sum(part.size * part.itemsize for part in self.parts)

    def blocks(self) -> Iterator[Bits]:
        """Yield the elements, row after row, as contiguous arrays of one dimension."""
        if not self.size_bytes:
            return  # however many rows of nothing it has
        if self.by_columns:
            yield from _beside(self.parts)
            return
        for part in self.parts:
            if self.reorder is not None:
                yield from _reordered(part, self.reorder)
            else:
                yield from _in_order(part)


def of_huggingface(tensors: Iterable[StoredTensor], *, head_dim: int | None) -> list[Whole]:
    """Return the tensors of Hugging Face's layout in canonical form and order.

    Args:
        tensors: Those of all files.
        head_dim: Size of a head; ``None`` if nothing says it.

    Raises:
        BadCheckpoint: Two tensors have one name, or a name is no Unicode.
    """
    return _sorted(_from_huggingface(each, head_dim) for each in _weights(tensors))


def of_meta(shards: Sequence[Iterable[StoredTensor]]) -> list[Whole]:
    """Return the tensors of Meta's shards, joined, in canonical order.

    Raises:
        BadCheckpoint: A shard lacks a tensor, two parts do not fit, or two tensors have one
            name.
    """
    parts: dict[str, list[StoredTensor]] = defaultdict(list)
    for shard in shards:
        for each in _weights(shard):
            parts[each.name].append(each)
    norm = parts.get("norm.weight")
    dim = norm[0].shape[-1] if norm and norm[0].shape else None
    wholes: list[Whole] = []
    for name, found in parts.items():
        if llama.place_of(name) is None and len(shards) > 1:
            # Nobody knows how these are to be joined, so each stands for itself.
            wholes += [_single(each, f"{name}[{place}]") for place, each in enumerate(found)]
        elif len(found) != len(shards):
            raise BadCheckpoint(
                f"the tensor {name!a} is in {len(found)} of {len(shards)} shards: a shard is "
                "there twice, or is another one's; get them all again",
                tensor=ascii(name),
            )
        else:
            wholes.append(_joined(found, dim=dim))
    return _sorted(wholes)


def of_own_names(tensors: Iterable[StoredTensor]) -> list[Whole]:
    """Return the tensors of a checkpoint that is no LLaMA, by name.

    Raises:
        BadCheckpoint: Two tensors have one name, or a name is no Unicode.
    """
    return _sorted(_single(each, each.name) for each in _weights(tensors))


def place_of(name: str) -> tuple[Any, ...]:
    """Return what sorts tensors into canonical order, by their canonical names.

    Raises:
        BadCheckpoint: The name is no Unicode.
    """
    try:
        encoded = name.encode()
    except UnicodeEncodeError as error:
        raise BadCheckpoint(
            f"the tensor {name!a} has a name that is not Unicode: get the weights again"
        ) from error
    place = llama.place_of(name)
    return (1, encoded) if place is None else (0, place)


def reordered(whole: Whole, reorder: Reorder) -> Whole | None:
    """Return the tensor with its rows in yet another order; ``None`` if it cannot have one."""
    if whole.by_columns or not all(_fits(part, reorder.unit) for part in whole.parts):
        return None
    return replace(whole, reorder=reorder)


def unpermuting(head_dim: int) -> Reorder:
    """Return the order that undoes the permutation of Hugging Face's layout."""
    return Reorder(head_dim, partial(llama.unpermute, head_dim=head_dim))


def _weights(tensors: Iterable[StoredTensor]) -> Iterator[StoredTensor]:
    return (each for each in tensors if not llama.is_buffer(each.name))


def _from_huggingface(tensor: StoredTensor, head_dim: int | None) -> Whole:
    name = llama.to_meta(tensor.name)
    if name is None:
        return _single(tensor, tensor.name)
    if not llama.is_rotary(name):
        return _single(tensor, name)
    if head_dim is None or head_dim % 2 or not _fits(tensor.bits, head_dim):
        return _single(tensor, tensor.name)
    return replace(_single(tensor, name), reorder=unpermuting(head_dim))


def _single(tensor: StoredTensor, name: str) -> Whole:
    return Whole(name, tensor.name, tensor.dtype, tensor.shape, (tensor.bits,))


def _joined(found: list[StoredTensor], *, dim: int | None) -> Whole:
    first = found[0]
    split = llama.split_of(first.name, embedding_by_rows=first.shape[-1:] == (dim,))
    if len(found) == 1 or split == "copied":
        return _single(first, first.name)
    axis = 1 if split == "columns" else 0
    rests = {(each.dtype, each.shape[:axis], each.shape[axis + 1 :]) for each in found}
    if len(rests) > 1 or len(first.shape) != 2:  # noqa: PLR2004 (a matrix)
        raise BadCheckpoint(
            f"the parts of the tensor {first.name!a} do not fit together: the shards are of "
            "different checkpoints; get them all again",
            tensor=ascii(first.name),
        )
    shape = list(first.shape)
    shape[axis] = sum(each.shape[axis] for each in found)
    parts = tuple(each.bits for each in found)
    return Whole(
        first.name, first.name, first.dtype, tuple(shape), parts, by_columns=split == "columns"
    )


def _sorted(wholes: Iterable[Whole]) -> list[Whole]:
    listed = sorted(wholes, key=lambda each: place_of(each.name))
    for one, other in pairwise(listed):
        if one.name == other.name:
            raise BadCheckpoint(
                f"two tensors are {one.name!a}: {one.found_as!a} and {other.found_as!a}; "
                "get the weights again",
                tensor=ascii(one.name),
            )
    return listed


def _fits(bits: Bits, unit: int) -> bool:
    return len(bits.shape) == 2 and bits.shape[0] % unit == 0  # noqa: PLR2004 (a matrix)


def _in_order(part: Bits) -> Iterator[Bits]:
    if part.flags.c_contiguous:
        flat, items = part.reshape(-1), BLOCK_BYTES // part.itemsize
        yield from (flat[at : at + items] for at in range(0, flat.size, items))
        return
    for rows in _row_blocks((part,), unit=1):
        yield np.ascontiguousarray(part[rows]).reshape(-1)


def _reordered(part: Bits, reorder: Reorder) -> Iterator[Bits]:
    for rows in _row_blocks((part,), unit=reorder.unit):
        yield np.ascontiguousarray(reorder.apply(part[rows])).reshape(-1)


def _beside(parts: tuple[Bits, ...]) -> Iterator[Bits]:
    for rows in _row_blocks(parts, unit=1):
        yield np.concatenate([part[rows] for part in parts], axis=1).reshape(-1)


def _row_blocks(parts: tuple[Bits, ...], *, unit: int) -> Iterator[slice]:
    """Yield slices of rows, in whole units, that are about a block over all parts."""
    row_bytes = max(1, sum(prod(part.shape[1:]) * part.itemsize for part in parts))
    step = unit * max(1, BLOCK_BYTES // (row_bytes * unit))
    return (slice(at, at + step) for at in range(0, parts[0].shape[0], step))
