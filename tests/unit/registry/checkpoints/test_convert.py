"""Which bits of which shard end up where, and what is refused."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.checkpoints import convert, llama
from registry.checkpoints.convert import Conversion, from_bin, from_meta
from registry.checkpoints.stored import StoredTensor
from registry.checkpoints.writing import OutgoingTensor
from registry.errors import BadCheckpoint

SHAPE = llama.Shape(dim=16, layers=2, heads=4, kv_heads=2, feed_forward=24, vocab_size=8)

Shards = list[list[StoredTensor]]


def whole_tensors() -> dict[str, StoredTensor]:
    random = np.random.default_rng(0)
    return {
        name: StoredTensor(
            name, "F16", random.integers(0, 1 << 16, SHAPE.of(name)).astype(np.uint16)
        )
        for name in SHAPE.names()
    }


def split(count: int, *, by_rows: bool = False) -> Shards:
    shards: Shards = [[] for _ in range(count)]
    for name, each in whole_tensors().items():
        way = llama.split_of(name, embedding_by_rows=by_rows)
        parts = [each.bits] * count
        if way != "copied":
            parts = np.split(each.bits, count, axis=0 if way == "rows" else 1)
        for shard, part in zip(shards, parts, strict=True):
            shard.append(replace(each, bits=part))
    return shards


def bytes_of(tensor: OutgoingTensor) -> bytes:
    return b"".join(block.tobytes() for block in tensor.blocks())


def expected() -> dict[str, bytes]:
    found = {}
    for name, each in whole_tensors().items():
        bits = each.bits
        if llama.is_rotary(name):
            bits = llama.permute(bits, head_dim=SHAPE.head_dim)
        found[str(llama.to_huggingface(name))] = bits.tobytes()
    return found


def written(conversion: Conversion) -> dict[str, bytes]:
    return {each.name: bytes_of(each) for each in conversion.tensors}


@pytest.mark.parametrize(("count", "by_rows"), [(1, False), (2, False), (2, True)])
def test_every_element_is_where_the_whole_model_has_it(count: int, by_rows: bool) -> None:
    conversion = from_meta(split(count, by_rows=by_rows), shape=SHAPE)

    assert written(conversion) == expected()
    assert (conversion.dtype, conversion.is_tied, conversion.notes) == ("float16", False, ())


@given(limit=st.integers(min_value=1, max_value=2000))
def test_the_size_of_the_blocks_changes_nothing(limit: int) -> None:
    conversion = from_meta(split(2), shape=SHAPE)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convert, "BLOCK_BYTES", limit)
        found = written(conversion)

    assert found == expected()


def test_transposed_and_strided_views_are_read_as_what_they_show() -> None:
    shards = [
        [replace(each, bits=np.repeat(each.bits.T.copy(), 2, axis=0)[::2].T) for each in shard]
        for shard in split(2)
    ]

    assert written(from_meta(shards, shape=SHAPE)) == expected()


def test_an_outgoing_tensor_can_be_read_again() -> None:
    [tensor, *_] = from_meta(split(2), shape=SHAPE).tensors

    assert bytes_of(tensor) == bytes_of(tensor)


def test_the_order_is_that_of_the_model() -> None:
    conversion = from_meta([list(reversed(shard)) for shard in split(2)], shape=SHAPE)

    assert [each.name for each in conversion.tensors] == list(expected())


def test_a_norm_that_differs_between_shards_is_the_first_ones_and_noted() -> None:
    one, two = split(2)
    changed = [
        replace(each, bits=each.bits + 1) if each.name == "layers.1.ffn_norm.weight" else each
        for each in two
    ]

    conversion = from_meta([one, changed], shape=SHAPE)

    assert written(conversion) == expected()
    assert conversion.notes == ("layers.1.ffn_norm.weight is another in shard 1: shard 0 taken",)


def test_tables_of_frequencies_are_left_out_and_noted() -> None:
    table = StoredTensor("rope.freqs", "F16", np.zeros(2, np.uint16))

    conversion = from_meta([[*shard, table] for shard in split(2)], shape=SHAPE)

    assert written(conversion) == expected()
    assert conversion.notes == ("rope.freqs: a table of rotary frequencies, left out",)


def test_without_a_head_the_embedding_is_the_head() -> None:
    shards = [[each for each in shard if each.name != "output.weight"] for shard in split(2)]

    conversion = from_meta(shards, shape=SHAPE)

    assert conversion.is_tied
    assert "lm_head.weight" not in written(conversion)


def renamed(tensor: StoredTensor, name: str) -> StoredTensor:
    return replace(tensor, name=name)


REFUSED: dict[str, Callable[[Shards], Shards]] = {
    "is missing": lambda shards: [shards[0], shards[1][1:]],
    "which this LLaMA has not": lambda shards: [
        [*shard, renamed(shard[0], "layers.2.ffn_norm.weight")] for shard in shards
    ],
    "shard 1 holds 'lora.weight'": lambda shards: [
        shards[0],
        [*shards[1], renamed(shards[1][0], "lora.weight")],
    ],
    "a tensor twice": lambda shards: [shards[0], [*shards[1], shards[1][0]]],
    "do not belong together": lambda shards: shards[:1],
    "of different checkpoints": lambda shards: [
        shards[0],
        [replace(each, dtype="BF16") for each in shards[1]],
    ],
    "is stored as I16": lambda shards: [
        [replace(each, dtype="I16") for each in shard] for shard in shards
    ],
    "cannot be spread over 3 shards evenly": lambda shards: [*shards, shards[1]],
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_not_exactly_this_llama_is_refused(why: str) -> None:
    shards = REFUSED[why](split(2))

    with pytest.raises(BadCheckpoint, match=why):
        from_meta(shards, shape=SHAPE)


def in_bin() -> list[StoredTensor]:
    return [
        renamed(each, str(llama.to_huggingface(each.name))) for each in whole_tensors().values()
    ]


def test_a_bin_stays_in_its_order_of_rows() -> None:
    tensors = in_bin()

    conversion = from_bin([tensors[:5], tensors[5:]], shape=SHAPE, is_tied=False)

    assert written(conversion) == {each.name: each.bits.tobytes() for each in tensors}


def test_stored_frequencies_of_a_bin_are_left_out() -> None:
    name = "model.layers.{}.self_attn.rotary_emb.inv_freq"
    tables = [StoredTensor(name.format(n), "F32", np.zeros(2, np.uint32)) for n in range(2)]

    conversion = from_bin([[*tables, *in_bin()]], shape=SHAPE, is_tied=False)

    assert name.format(0) not in written(conversion)
    assert conversion.dtype == "float16"
    assert conversion.notes == (
        f"{name.format(0)} and 1 more: a table of rotary frequencies, left out",
    )


@pytest.mark.parametrize(
    ("tensors", "why"),
    [
        (in_bin()[:-1], "lacks 'lm_head.weight'"),
        ([*in_bin(), renamed(in_bin()[0], "norm.weight")], "holds 'norm.weight'"),
        ([*in_bin(), in_bin()[0]], "a tensor twice"),
        ([*in_bin()[1:], renamed(in_bin()[1], "model.embed_tokens.weight")], "do not belong"),
    ],
)
def test_a_bin_with_anything_else_is_refused(tensors: list[StoredTensor], why: str) -> None:
    with pytest.raises(BadCheckpoint, match=why):
        from_bin([tensors], shape=SHAPE, is_tied=False)
