"""Whether the shards of Meta's layout belong together and to their ``params.json``.

Only headers are read: names and shapes of tensors, and the CRC-32 that the archive has of
each storage. Shapes tell how many shards there must be and what does not fit; equal CRCs of
all storages tell that a shard is there twice; and an archive remembers the name that it was
written under. That two shards with each other's names *and* archives renamed are swapped
cannot be told from headers, as their shapes are alike: a checklist tells it.
"""

import mmap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from registry.checkpoints import llama
from registry.checkpoints.faults import Fault
from registry.checkpoints.params import PARAMS, Params
from registry.checkpoints.pickles import read_tensors
from registry.checkpoints.torch_zips import PICKLE, STORAGE_PREFIX, read_entries
from registry.errors import BadCheckpoint

_PROBE = "layers.0.attention.wq.weight"
_EMBEDDING = "tok_embeddings.weight"
_HEAD = "output.weight"
_SHOWN_NAMES = 3

Sizes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shard:
    """What the headers of one shard say.

    Attributes:
        name: Of the file.
        written_as: The name that its archive was written under, without ``.pth``.
        shapes: Of its tensors, tables of rotary frequencies left out.
        dtypes: Of the same.
        crcs: Of its storages, in their order.
    """

    name: str
    written_as: str
    shapes: dict[str, Sizes]
    dtypes: dict[str, str]
    crcs: tuple[int, ...]


def read_shard(file: Path) -> Shard:
    """Read the headers of a shard.

    Raises:
        RefusedPickle: It is no file of ``torch.save`` with tensors alone.
        BadCheckpoint: It cannot be read.
    """
    tensors = [each for each in read_tensors(file) if not llama.is_buffer(each.name)]
    try:
        with file.open("rb") as source:
            entries = read_entries(
                memoryview(mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ))
            )
    except (OSError, ValueError, Fault) as error:
        raise BadCheckpoint(f"{file.name} changed while it was read: try again") from error
    return Shard(
        name=file.name,
        written_as=entries[PICKLE].path.partition("/")[0],
        shapes={each.name: each.shape for each in tensors},
        dtypes={each.name: each.dtype for each in tensors},
        crcs=tuple(each.crc for name, each in entries.items() if name.startswith(STORAGE_PREFIX)),
    )


def check_shards(shards: Sequence[Shard], params: Params) -> Params:
    """Check that shards are complete, in order and as ``params.json`` says.

    Returns:
        What ``params.json`` says, with how the embedding is really split.

    Raises:
        BadCheckpoint: Something does not fit; the message has the numbers.
    """
    _check_count(shards, params)
    _check_order(shards)
    names = params.shape.names()
    # Where the head is the embedding, no shard has one.
    if not any(_HEAD in shard.shapes for shard in shards):
        names.remove(_HEAD)
    by_rows = _by_rows(shards, params)
    for shard in shards:
        _check_names(shard, names)
        for name in names:
            _check_shape(shard, name, len(shards), params, by_rows=by_rows)
            if shard.dtypes[name] != shards[0].dtypes[name]:
                raise BadCheckpoint(
                    f"{shard.name} has {name} in {shard.dtypes[name]}, {shards[0].name} in "
                    f"{shards[0].dtypes[name]}: they are of two checkpoints, get them all again"
                )
    return replace(params, embedding_by_rows=by_rows)


def _check_count(shards: Sequence[Shard], params: Params) -> None:
    """Tell from how much of a tensor each shard holds how many there must be."""
    whole = params.shape.dim
    first = shards[0]
    rows, *columns = first.shapes.get(_PROBE, (0,))
    if not rows or columns != [params.shape.dim] or whole % rows:
        return  # The names or shapes are wrong, which is said with more detail later.
    needed, there = whole // rows, len(shards)
    if needed > there:
        missing = [f"consolidated.{number:02}.pth" for number in range(there, needed)]
        raise BadCheckpoint(
            f"{first.name} holds {rows} of the {whole} rows of {_PROBE}, so there are {needed} "
            f"shards, and {there} of them {'is' if there == 1 else 'are'} here: "
            f"download {_some(missing)}"
        )
    if needed < there:
        raise BadCheckpoint(
            f"{first.name} holds {rows} of the {whole} rows of {_PROBE}, so there "
            f"{'is 1 shard' if needed == 1 else f'are {needed} shards'}, and {there} are here: "
            f"{shards[needed].name} is of another checkpoint, move it out of the folder"
        )


def _check_order(shards: Sequence[Shard]) -> None:
    seen: dict[tuple[int, ...], Shard] = {}
    for shard in shards:
        # Writers that compute no CRC give all storages the same one, which says nothing.
        says_something = len(set(shard.crcs)) > 1
        other = seen.setdefault(shard.crcs, shard) if says_something else shard
        if other is not shard:
            raise BadCheckpoint(
                f"{other.name} and {shard.name} hold the same tensors: one is a copy under the "
                "other's name; the checklist says which, download the other again"
            )
    names = [shard.name.removesuffix(".pth") for shard in shards]
    written = [shard.written_as for shard in shards]
    # Only names that are the shards' own in another order say so: some writers give each
    # archive the same one.
    if sorted(written) == names != written:
        moved = next(shard for shard in shards if f"{shard.written_as}.pth" != shard.name)
        raise BadCheckpoint(
            f"{moved.name} was written as {moved.written_as}.pth: shards are swapped; name them "
            "back, and compare with the checklist"
        )


def _check_names(shard: Shard, names: Sequence[str]) -> None:
    if not shard.shapes:
        raise BadCheckpoint(f"{shard.name} holds no tensor: download it again")
    unknown = sorted(shard.shapes.keys() - set(names))
    if unknown:
        raise BadCheckpoint(
            f"{shard.name} holds {_some(unknown)}, which the LLaMA of {PARAMS} has not: they do "
            "not belong together, get both from one place"
        )
    if missing := [name for name in names if name not in shard.shapes]:
        raise BadCheckpoint(
            f"{shard.name} lacks {_some(missing)}, which the LLaMA of {PARAMS} has: they do "
            "not belong together, get both from one place"
        )


def _by_rows(shards: Sequence[Shard], params: Params) -> bool:
    """Tell how the embedding is split from its shape in the first shard, where that shows."""
    whole = params.shape.of(_EMBEDDING)
    found = shards[0].shapes.get(_EMBEDDING)
    for by_rows in (True, False):
        if len(shards) > 1 and found == _part(whole, "rows" if by_rows else "columns", len(shards)):
            return by_rows
    return params.embedding_by_rows


def _check_shape(shard: Shard, name: str, count: int, params: Params, *, by_rows: bool) -> None:
    whole = params.shape.of(name)
    expected = _part(whole, llama.split_of(name, embedding_by_rows=by_rows), count)
    found = shard.shapes[name]
    if found != expected:
        of = "" if count == 1 else f" in each of {count} shards"
        raise BadCheckpoint(
            f"{shard.name} has {name} of {_shown(found)}, and {PARAMS} ({_sizes(params, name)}) "
            f"makes it {_shown(expected)}{of}: they do not belong together, get both from one "
            "place"
        )


def _part(whole: Sizes, split: llama.Split, count: int) -> Sizes:
    """Return the shape of a tensor in one shard, as far as it can be divided."""
    if split == "copied":
        return whole
    axis = 0 if split == "rows" else 1
    return tuple(size // count if place == axis else size for place, size in enumerate(whole))


def _sizes(params: Params, name: str) -> str:
    """Say the sizes that a tensor's shape follows from."""
    shape = params.shape
    if name in (_EMBEDDING, _HEAD):
        return f"dim {shape.dim}, {shape.vocab_size} tokens by it or the tokenizer"
    if "feed_forward" in name:
        return f"dim {shape.dim}, feed-forward {shape.feed_forward}"
    return f"dim {shape.dim}, {shape.heads} heads, {shape.kv_heads} for keys and values"


def _shown(shape: Sizes) -> str:
    return "x".join(map(str, shape)) or "one number"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return ", ".join(ascii(name).strip("'") for name in names[:_SHOWN_NAMES]) + more
