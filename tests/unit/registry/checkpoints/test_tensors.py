import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from registry.checkpoints import llama
from registry.checkpoints.canonical import (
    BLOCK_BYTES,
    of_huggingface,
    of_meta,
    of_own_names,
)
from registry.checkpoints.stored import StoredTensor, unsigned
from registry.checkpoints.tensors import (
    TensorDigest,
    TensorRoots,
    digest_tensors,
    leaf,
    roots_of,
)
from registry.errors import BadCheckpoint

SHAPE = llama.Shape(dim=16, layers=2, heads=4, kv_heads=2, feed_forward=48, vocab_size=8)
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
SHAPES = st.lists(st.integers(0, 2**62), max_size=4)


def weights(dtype: str = "BF16", *, seed: int = 0) -> list[StoredTensor]:
    """Return random weights in Meta's names and rows."""
    random, kind = np.random.default_rng(seed), unsigned(dtype)
    return [
        StoredTensor(
            name,
            dtype,
            random.integers(0, np.iinfo(kind).max // 2, SHAPE.of(name), dtype=kind),
        )
        for name in SHAPE.names()
    ]


def in_huggingface(tensors: Sequence[StoredTensor]) -> list[StoredTensor]:
    """Return the same weights as a converter writes them, in another order."""
    moved = []
    for each in tensors:
        name = llama.to_huggingface(each.name)
        assert name is not None
        bits = each.bits
        if llama.is_rotary(each.name):
            bits = llama.permute(bits, head_dim=SHAPE.head_dim)
        moved.append(StoredTensor(name, each.dtype, bits))
    return moved[::-1]


def in_shards(
    tensors: Sequence[StoredTensor], count: int, *, embedding_by_rows: bool
) -> list[list[StoredTensor]]:
    """Return the same weights as Meta's shards hold them."""
    shards: list[list[StoredTensor]] = [[] for _ in range(count)]
    for each in tensors:
        way = llama.split_of(each.name, embedding_by_rows=embedding_by_rows)
        axis = {"rows": 0, "columns": 1, "copied": None}[way]
        parts = [each.bits] * count if axis is None else np.split(each.bits, count, axis=axis)
        for shard, part in zip(shards, parts, strict=True):
            shard.append(StoredTensor(each.name, each.dtype, part))
    return shards


def test_an_outsider_computes_the_root_with_a_hash_and_a_json_library() -> None:
    tensors = [each for each in weights() if not each.name.startswith("layers")]
    leaves = []
    for each in tensors:
        document = {
            "dtype": "BF16",
            "kind": "corral.tensor/1",
            "name": each.name,
            "sha256": hashlib.sha256(each.bits.tobytes()).hexdigest(),
            "shape": list(each.shape),
        }
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        leaves.append(hashlib.sha256(b"\x00" + text.encode()).digest())
    first = hashlib.sha256(b"\x01" + leaves[0] + leaves[1]).digest()
    expected = hashlib.sha256(b"\x01" + first + leaves[2]).hexdigest()

    roots = roots_of(digest_tensors(of_meta([tensors])))

    assert roots == TensorRoots(stored=expected, bf16=expected)


def test_both_layouts_of_the_same_weights_have_the_same_digests() -> None:
    expected = digest_tensors(of_meta([weights()]))

    found = digest_tensors(of_huggingface(in_huggingface(weights()), head_dim=SHAPE.head_dim))

    assert [each.name for each in found] == SHAPE.names()
    assert found == expected


@pytest.mark.parametrize("embedding_by_rows", [False, True])
@pytest.mark.parametrize("count", [2, 4])
def test_shards_are_joined_to_the_same_weights(count: int, *, embedding_by_rows: bool) -> None:
    shards = in_shards(weights(), count, embedding_by_rows=embedding_by_rows)

    found = digest_tensors(of_meta(shards))

    assert found == digest_tensors(of_meta([weights()]))


def test_a_strided_view_has_the_digest_of_its_elements() -> None:
    large = np.arange(4096, dtype="<u2").reshape(64, 64)
    view = StoredTensor("a", "BF16", large[::2, 1::3])
    column = StoredTensor("b", "BF16", large[:, 5])

    found = digest_tensors(of_own_names([view, column]))

    assert [each.sha256 for each in found] == [
        hashlib.sha256(large[::2, 1::3].tobytes()).hexdigest(),
        hashlib.sha256(large[:, 5].tobytes()).hexdigest(),
    ]


def test_a_tensor_of_many_blocks_has_the_digest_of_its_elements() -> None:
    rows = 3 * BLOCK_BYTES // (64 * 2) + 8
    bits = np.random.default_rng(0).integers(0, 0xFFFF, (rows, 64), dtype="<u2")
    names = ("model.layers.0.self_attn.q_proj.weight", "model.layers.0.mlp.up_proj.weight")
    tensors = [StoredTensor(name, "BF16", bits) for name in names]

    found = {each.name: each for each in digest_tensors(of_huggingface(tensors, head_dim=8))}

    rotary = llama.unpermute(bits, head_dim=8)
    assert found["layers.0.feed_forward.w3.weight"].sha256 == _sha(bits.tobytes())
    assert found["layers.0.attention.wq.weight"].sha256 == _sha(rotary.tobytes())


@pytest.mark.parametrize(("dtype", "torch_dtype"), [("F16", torch.half), ("F32", torch.float)])
def test_the_root_after_the_cast_is_that_of_a_copy_in_bfloat16(
    dtype: str, torch_dtype: torch.dtype
) -> None:
    wide = weights(dtype)
    narrow = []
    for each in wide:
        raw = torch.frombuffer(bytearray(each.bits.tobytes()), dtype=torch_dtype)
        cast = raw.to(torch.bfloat16).view(torch.int16).numpy().view("<u2").copy()
        nan = raw.isnan().numpy()
        cast[nan] = 0x7FC0
        narrow.append(StoredTensor(each.name, "BF16", cast.reshape(each.shape)))

    roots = roots_of(digest_tensors(of_meta([wide])))

    copy = roots_of(digest_tensors(of_meta([narrow])))
    assert roots.bf16 == copy.bf16 == copy.stored
    assert roots.stored != copy.stored


def test_tied_embeddings_have_one_root_whether_or_not_they_are_stored_twice() -> None:
    once = [each for each in weights() if each.name != "output.weight"]
    twice = [*once, replace(once[0], name="output.weight")]

    one, two, untied = (
        roots_of(digest_tensors(of_meta([each]))) for each in (once, twice, weights())
    )

    assert one == two
    assert one != untied


def test_tables_of_rotary_frequencies_change_nothing() -> None:
    table = StoredTensor("rope.freqs", "F32", np.ones(4, dtype="<u4"))

    assert roots_of(digest_tensors(of_meta([[*weights(), table]]))) == roots_of(
        digest_tensors(of_meta([weights()]))
    )


def test_names_that_are_no_llamas_stay_and_stand_behind() -> None:
    odd = StoredTensor("adapter", "U8", np.zeros(3, dtype="u1"))

    found = digest_tensors(of_huggingface([odd, *in_huggingface(weights())], head_dim=4))

    assert [each.name for each in found] == [*SHAPE.names(), "adapter"]


@pytest.mark.parametrize("head_dim", [None, 3, 5, 64])
def test_rows_that_cannot_be_put_in_order_keep_their_name(head_dim: int | None) -> None:
    found = of_huggingface(in_huggingface(weights()), head_dim=head_dim)

    rotary = [each for each in found if "attn.q_proj" in each.name or "attn.k_proj" in each.name]
    assert len(rotary) == 2 * SHAPE.layers
    assert all(each.reorder is None for each in rotary)


def test_two_tensors_of_one_name_are_refused() -> None:
    one = StoredTensor("model.norm.weight", "BF16", np.zeros(4, dtype="<u2"))

    with pytest.raises(BadCheckpoint, match=r"two tensors are 'norm\.weight'"):
        of_huggingface([one, replace(one, name="norm.weight")], head_dim=4)


def test_a_name_that_is_no_unicode_is_refused() -> None:
    odd = StoredTensor("\ud800", "U8", np.zeros(1, dtype="u1"))

    with pytest.raises(BadCheckpoint, match="not Unicode"):
        of_own_names([odd])


def test_a_shard_that_lacks_a_tensor_is_refused() -> None:
    one, two = in_shards(weights(), 2, embedding_by_rows=False)

    with pytest.raises(BadCheckpoint, match="1 of 2 shards"):
        of_meta([one, two[:-1]])


def test_shards_of_different_checkpoints_are_refused() -> None:
    one, two = in_shards(weights(), 2, embedding_by_rows=False)
    four = in_shards(weights(), 4, embedding_by_rows=True)
    other = [four[0][0], *two[1:]]

    with pytest.raises(BadCheckpoint, match="do not fit together"):
        of_meta([one, other])


def test_what_no_llama_has_is_not_joined() -> None:
    shards = in_shards(weights(), 2, embedding_by_rows=False)
    for number, shard in enumerate(shards):
        shard.append(StoredTensor("odd", "U8", np.full(2, number, dtype="u1")))

    found = of_meta(shards)

    assert [each.name for each in found][-2:] == ["odd[0]", "odd[1]"]


def test_an_empty_tensor_and_a_single_number_have_digests() -> None:
    empty = StoredTensor("empty", "F32", np.zeros((0, 4), dtype="<u4"))
    number = StoredTensor("number", "F32", np.array(1, dtype="<u4"))

    found = digest_tensors(of_own_names([empty, number]))

    assert [each.sha256 for each in found] == [_sha(b""), _sha(b"\1\0\0\0")]


def test_rows_of_nothing_take_no_time() -> None:
    name = "model.layers.0.self_attn.q_proj.weight"
    rows = StoredTensor(name, "F32", np.zeros((2**60, 0), dtype="<u4"))

    [found] = digest_tensors(of_huggingface([rows], head_dim=2))

    assert (found.shape, found.sha256) == ((2**60, 0), _sha(b""))


@given(
    st.tuples(st.text(max_size=20), st.sampled_from(["F16", "BF16"]), SHAPES, HEX),
    st.tuples(st.text(max_size=20), st.sampled_from(["F16", "BF16"]), SHAPES, HEX),
)
def test_different_tensors_never_have_one_leaf(
    one: tuple[str, str, list[int], str], other: tuple[str, str, list[int], str]
) -> None:
    leaves = [leaf(name, (dtype, tuple(shape), sha)) for name, dtype, shape, sha in (one, other)]

    assert (leaves[0] == leaves[1]) == (one == other)
    assert json.loads(leaves[0])["name"] == one[0]


@given(st.permutations(range(len(SHAPE.names()))))
def test_the_order_in_the_files_does_not_matter(order: list[int]) -> None:
    tensors = weights()

    shuffled = digest_tensors(of_meta([[tensors[at] for at in order]]), threads=1)

    assert [each.name for each in shuffled] == SHAPE.names()


def test_bytes_are_reported_once_each() -> None:
    seen: list[int] = []

    digest_tensors(of_meta([weights()]), progress=seen.append)

    assert sum(seen) == sum(each.size_bytes for each in weights())


def test_the_root_of_the_cast_names_the_casts_dtype() -> None:
    digest = TensorDigest("a", "F32", (2,), "0" * 64, "1" * 64)

    assert digest.cast == ("BF16", (2,), "1" * 64)
    assert replace(digest, dtype="I32").cast == ("I32", (2,), "1" * 64)


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
