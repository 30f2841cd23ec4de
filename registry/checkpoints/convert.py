"""From pickled weights to safetensors in Hugging Face's names, exact to the bit.

``from_meta`` puts the shards of Meta's layout together and orders the rows of ``wq`` and
``wk`` as Hugging Face's code expects them; ``from_bin`` only changes the container. Either
says what is to be written, without reading a tensor; ``registry.checkpoints.writing`` then
writes it. The bits of an element are never touched: there is no step that knows numbers.

What is not one of LLaMA's tensors is refused, with two exceptions: tables of rotary
frequencies, which every implementation computes anew, are left out, and of norms, of which
each shard has a copy, the first shard's is taken. Whatever a reader of the record should
know of such choices is in ``Conversion.notes``.

Letters: as in ``registry.checkpoints.llama``.
"""

import math
from collections.abc import Container, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from registry.checkpoints import llama, pages
from registry.checkpoints.llama import Shape
from registry.checkpoints.stored import Bits, StoredTensor
from registry.checkpoints.writing import OutgoingTensor
from registry.errors import BadCheckpoint

BLOCK_BYTES = 1 << 22

DTYPES = {"F16": "float16", "BF16": "bfloat16", "F32": "float32"}

_EMBEDDING, _HEAD = "tok_embeddings.weight", "output.weight"


@dataclass(frozen=True, slots=True)
class Conversion:
    """What is to be written.

    Attributes:
        tensors: All of the model, in canonical order.
        shape: Sizes of the model.
        dtype: In the words of ``config.json``: the one that all tensors are stored in, or
            ``float32``, which holds every value of the others, if they differ.
        is_tied: Whether there is no head, because it is the embedding.
        notes: Sentences on what was left out or chosen.
    """

    tensors: tuple[OutgoingTensor, ...]
    shape: Shape
    dtype: str
    is_tied: bool
    notes: tuple[str, ...]


def from_meta(shards: Sequence[Sequence[StoredTensor]], *, shape: Shape) -> Conversion:
    """Plan the conversion of Meta's shards.

    Args:
        shards: The tensors of ``consolidated.00.pth`` and its followers, in their order.
        shape: What params.json says.

    Raises:
        BadCheckpoint: The shards do not make this LLaMA, or hold something else as well.
    """
    by_name = [_named(shard, f"shard {number}") for number, shard in enumerate(shards)]
    buffers = sorted({name for each in by_name for name in each if llama.is_buffer(name)})
    names = _present(shape.names(), by_name[0])
    expected = {*names, *buffers}
    for number, each in enumerate(by_name):
        _check_names(each.keys() | set(buffers), expected, f"shard {number}")
    notes = _left_out(buffers)
    outgoing = []
    for name in names:
        parts = [each[name] for each in by_name]
        outgoing.append(_joined(name, parts, shape=shape))
        notes += _differing(name, parts)
    return _conversion(outgoing, shape, is_tied=_HEAD not in names, notes=notes)


def from_bin(files: Sequence[Sequence[StoredTensor]], *, shape: Shape, is_tied: bool) -> Conversion:
    """Plan the conversion of ``pytorch_model*.bin``; names and order of rows stay.

    Args:
        files: The tensors of each file.
        shape: What ``config.json`` says.
        is_tied: Whether it says that the head is the embedding; there may be a head even so.

    Raises:
        BadCheckpoint: The files do not hold this LLaMA, or something else as well.
    """
    found = _named([each for file in files for each in file], "the checkpoint")
    buffers = sorted(name for name in found if llama.is_buffer(name))
    canonical = {name: llama.to_meta(name) for name in found.keys() - set(buffers)}
    kept = {ours: found[name] for name, ours in canonical.items() if ours is not None}
    names = _present(shape.names(), kept) if is_tied else shape.names()
    theirs = {str(llama.to_huggingface(name)) for name in names}
    _check_names(canonical.keys(), theirs, "the checkpoint")
    outgoing = []
    for name in names:
        tensor = kept[name]
        _check_shape(tensor, shape.of(name), "the checkpoint")
        blocks = _Blocks("rows", (tensor.bits,), head_dim=None)
        outgoing.append(OutgoingTensor(tensor.name, tensor.dtype, tensor.shape, blocks))
    return _conversion(outgoing, shape, is_tied=is_tied, notes=_left_out(buffers))


@dataclass(frozen=True, slots=True)
class _Blocks:
    """The elements of a tensor whose parts are put together by rows or by columns."""

    split: llama.Split
    parts: tuple[Bits, ...]
    head_dim: int | None

    def __call__(self) -> Iterator[Bits]:
        if self.split == "columns":
            yield from self._side_by_side()
            return
        for part in self.parts:
            for begin, end in _steps(part, BLOCK_BYTES, multiple=self.head_dim or 1):
                rows = part[begin:end]
                moved = llama.permute(rows, head_dim=self.head_dim) if self.head_dim else rows
                yield np.ascontiguousarray(moved)
                pages.drop(rows)

    def _side_by_side(self) -> Iterator[Bits]:
        for begin, end in _steps(self.parts[0], BLOCK_BYTES // len(self.parts)):
            rows = [part[begin:end] for part in self.parts]
            yield np.concatenate(rows, axis=1)
            for each in rows:
                pages.drop(each)


def _steps(bits: Bits, limit_bytes: int, *, multiple: int = 1) -> Iterator[tuple[int, int]]:
    """Yield ranges of rows of about so many bytes, each a multiple of so many rows."""
    row_bytes = math.prod(bits.shape[1:]) * bits.itemsize
    step = max(limit_bytes // max(row_bytes * multiple, 1), 1) * multiple
    for begin in range(0, bits.shape[0], step):
        yield begin, min(begin + step, bits.shape[0])


def _joined(name: str, parts: Sequence[StoredTensor], *, shape: Shape) -> OutgoingTensor:
    """Return one tensor of the model, put together from those of the shards."""
    whole, count = shape.of(name), len(parts)
    by_rows = name == _EMBEDDING and parts[0].shape[:1] != whole[:1]
    split = llama.split_of(name, embedding_by_rows=by_rows) if count > 1 else "rows"
    for number, part in enumerate(parts):
        _check_shape(part, _part_shape(name, whole, split, count), f"shard {number}")
        if part.dtype != parts[0].dtype:
            raise BadCheckpoint(
                f"{name} is {parts[0].dtype} in shard 0 and {part.dtype} in shard {number}: "
                "the shards are of different checkpoints; download them again"
            )
    if split == "copied":
        parts = parts[:1]
    head_dim = shape.head_dim if llama.is_rotary(name) else None
    blocks = _Blocks(split, tuple(each.bits for each in parts), head_dim)
    return OutgoingTensor(str(llama.to_huggingface(name)), parts[0].dtype, whole, blocks)


def _part_shape(
    name: str, whole: tuple[int, ...], split: llama.Split, count: int
) -> tuple[int, ...]:
    if split == "copied":
        return whole
    axis = 0 if split == "rows" else 1
    if whole[axis] % count:
        raise BadCheckpoint(f"{name} of {whole[axis]} cannot be spread over {count} shards evenly")
    return (*whole[:axis], whole[axis] // count, *whole[axis + 1 :])


def _differing(name: str, parts: Sequence[StoredTensor]) -> list[str]:
    """Say so if a norm, of which each shard has a copy, is not the same in all of them."""
    if llama.split_of(name, embedding_by_rows=False) != "copied":
        return []
    others = [
        str(number)
        for number, part in enumerate(parts)
        if not np.array_equal(part.bits, parts[0].bits)
    ]
    return [f"{name} is another in shard {', '.join(others)}: shard 0 taken"] if others else []


def _left_out(buffers: list[str]) -> list[str]:
    if not buffers:
        return []
    more = f" and {len(buffers) - 1} more" if buffers[1:] else ""
    return [f"{buffers[0]}{more}: a table of rotary frequencies, left out"]


def _named(tensors: Sequence[StoredTensor], where: str) -> dict[str, StoredTensor]:
    named = {each.name: each for each in tensors}
    if len(named) < len(tensors):
        raise BadCheckpoint(f"{where} holds a tensor twice: download it again")
    return named


def _present(names: list[str], found: Container[str]) -> list[str]:
    """Return the names without the head's, if there is none."""
    return [name for name in names if name != _HEAD or name in found]


def _check_names(found: AbstractSet[str], expected: AbstractSet[str], where: str) -> None:
    for name in sorted(expected - found):
        raise BadCheckpoint(f"{where} lacks {name!a}: a file is missing, or of another model")
    for name in sorted(found - expected):
        raise BadCheckpoint(
            f"{where} holds {name!a}, which this LLaMA has not: nothing is converted that Corral "
            "does not know"
        )


def _check_shape(tensor: StoredTensor, expected: tuple[int, ...], where: str) -> None:
    if tensor.shape != expected:
        raise BadCheckpoint(
            f"{tensor.name!a} of {where} is {list(tensor.shape)}, but the configuration asks for "
            f"{list(expected)}: they do not belong together"
        )
    if tensor.dtype not in DTYPES:
        raise BadCheckpoint(
            f"{tensor.name!a} of {where} is stored as {tensor.dtype}; Corral runs "
            f"{', '.join(DTYPES)}"
        )


def _conversion(
    tensors: list[OutgoingTensor], shape: Shape, *, is_tied: bool, notes: list[str]
) -> Conversion:
    dtypes = {each.dtype for each in tensors}
    dtype = DTYPES[dtypes.pop()] if len(dtypes) == 1 else DTYPES["F32"]
    return Conversion(tuple(tensors), shape, dtype, is_tied, tuple(notes))
