import numpy as np
import pytest

from registry.checkpoints import llama

SHAPE = llama.Shape(dim=16, layers=2, heads=4, kv_heads=2, feed_forward=48, vocab_size=8)


@pytest.mark.parametrize(
    ("dim", "multiple_of", "multiplier", "width"),
    [
        (4096, 256, None, 11008),
        (5120, 256, None, 13824),
        (6656, 256, None, 17920),
        (8192, 256, None, 22016),
        (8192, 4096, 1.3, 28672),
        (4096, 1024, 1.3, 14336),
    ],
)
def test_the_feed_forward_is_as_wide_as_in_the_published_models(
    dim: int, multiple_of: int, multiplier: float | None, width: int
) -> None:
    found = llama.feed_forward_of(dim, multiple_of=multiple_of, multiplier=multiplier)

    assert found == width


def test_every_name_has_one_counterpart_and_comes_back() -> None:
    names = SHAPE.names()

    theirs = [llama.to_huggingface(name) for name in names]

    assert len(set(theirs)) == len(names)
    assert [llama.to_meta(name) for name in theirs if name] == names


@pytest.mark.parametrize("name", ["layers.1.attention.wx.weight", "layers.01.ffn_norm.weight", ""])
def test_a_name_that_llama_has_not_has_no_counterpart(name: str) -> None:
    assert llama.to_huggingface(name) is None
    assert llama.to_meta(name) is None


def test_the_first_of_each_rotary_pair_goes_to_the_first_half_of_its_head() -> None:
    rows = np.arange(16, dtype=np.uint16).reshape(16, 1)  # two heads of eight

    moved = llama.permute(rows, head_dim=8)

    assert moved[:, 0].tolist() == [0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15]
    assert np.array_equal(llama.unpermute(moved, head_dim=8), rows)


def test_each_tensor_is_split_as_metas_model_splits_it() -> None:
    ways = {
        name: llama.split_of(name, embedding_by_rows=False)
        for name in SHAPE.names()
        if not name.startswith("layers.1")
    }

    assert {name for name, way in ways.items() if way == "columns"} == {
        "tok_embeddings.weight",
        "layers.0.attention.wo.weight",
        "layers.0.feed_forward.w2.weight",
    }
    assert {name for name, way in ways.items() if way == "copied"} == {
        "norm.weight",
        "layers.0.attention_norm.weight",
        "layers.0.ffn_norm.weight",
    }
    assert llama.split_of("tok_embeddings.weight", embedding_by_rows=True) == "rows"
