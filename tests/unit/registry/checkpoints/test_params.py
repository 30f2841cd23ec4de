from typing import Any

import pytest

from registry.checkpoints.llama import Shape
from registry.checkpoints.params import RopeScaling, needs_tokenizer, parse_params
from registry.errors import BadCheckpoint

LLAMA_1 = {
    "dim": 4096,
    "multiple_of": 256,
    "n_heads": 32,
    "n_layers": 32,
    "norm_eps": 1e-06,
    "vocab_size": -1,
}
LLAMA_1_LARGEST = LLAMA_1 | {"dim": 8192, "n_heads": 64, "n_layers": 80, "norm_eps": 1e-05}
LLAMA_2 = LLAMA_1 | {"norm_eps": 1e-05}
LLAMA_2_LARGEST = LLAMA_1_LARGEST | {
    "multiple_of": 4096,
    "ffn_dim_multiplier": 1.3,
    "n_kv_heads": 8,
}
CODE_LLAMA = LLAMA_2 | {"rope_theta": 1000000}
LLAMA_3 = {
    "dim": 4096,
    "n_layers": 32,
    "n_heads": 32,
    "n_kv_heads": 8,
    "vocab_size": 128256,
    "multiple_of": 1024,
    "ffn_dim_multiplier": 1.3,
    "norm_eps": 1e-05,
    "rope_theta": 500000.0,
}
LLAMA_31 = LLAMA_3 | {"use_scaled_rope": True}
LLAMA_32 = LLAMA_31 | {"dim": 2048, "n_layers": 16, "ffn_dim_multiplier": 1.5, "multiple_of": 256}


@pytest.mark.parametrize(
    ("document", "shape"),
    [
        (LLAMA_1, Shape(4096, 32, 32, 32, 11008, 32000)),
        (LLAMA_1_LARGEST, Shape(8192, 80, 64, 64, 22016, 32000)),
        (LLAMA_2_LARGEST, Shape(8192, 80, 64, 8, 28672, 32000)),
        (LLAMA_3, Shape(4096, 32, 32, 8, 14336, 128256)),
        (LLAMA_32, Shape(2048, 16, 32, 8, 8192, 128256)),
    ],
)
def test_the_published_models_have_their_published_sizes(
    document: dict[str, Any], shape: Shape
) -> None:
    params = parse_params(document, tokenizer_size=32000)

    assert params.shape == shape


@pytest.mark.parametrize(
    ("document", "context"),
    [
        (LLAMA_1, 2048),
        (LLAMA_1_LARGEST, 2048),
        (LLAMA_2, 4096),
        (LLAMA_2_LARGEST, 4096),
        (CODE_LLAMA, 16384),
        (LLAMA_3, 8192),
        (LLAMA_31, 131072),
        (LLAMA_2 | {"max_seq_len": 512}, 512),
    ],
)
def test_the_context_is_that_of_the_generation(document: dict[str, Any], context: int) -> None:
    params = parse_params(document, tokenizer_size=32000)

    assert params.context_tokens == context


def test_where_params_fit_two_generations_the_shorter_context_is_taken() -> None:
    chat = LLAMA_2 | {"norm_eps": 1e-06}

    params = parse_params(chat, tokenizer_size=32000)

    assert params.context_tokens == 2048


def test_only_the_third_generation_has_shards_of_the_embeddings_rows() -> None:
    by_rows = [
        parse_params(each, tokenizer_size=32000).embedding_by_rows
        for each in (LLAMA_1, LLAMA_2, CODE_LLAMA, LLAMA_3, LLAMA_31)
    ]

    assert by_rows == [False, False, False, True, True]


def test_the_rotary_frequencies_are_stretched_further_in_the_small_late_models() -> None:
    scalings = [parse_params(each).rope_scaling for each in (LLAMA_3, LLAMA_31, LLAMA_32)]

    assert scalings == [None, RopeScaling(factor=8.0), RopeScaling(factor=32.0)]


def test_params_below_the_key_model_are_the_same() -> None:
    nested = parse_params({"model": LLAMA_1}, tokenizer_size=32000)

    assert nested == parse_params(LLAMA_1, tokenizer_size=32000)
    assert needs_tokenizer({"model": LLAMA_1})
    assert not needs_tokenizer({"model": LLAMA_3})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"dim": None}, "dim is missing"),
        ({"n_layers": "32"}, "n_layers is '32'"),
        ({"n_layers": True}, "n_layers is True"),
        ({"n_heads": 0}, "n_heads is 0"),
        ({"n_heads": 33}, "dim 4096 makes no 33 heads"),
        ({"dim": 96, "n_heads": 32}, "dim 96 makes no 32 heads of an even size"),
        ({"n_kv_heads": 5}, "no multiple of n_kv_heads 5"),
        ({"dim": 1 << 40}, "dim is 1099511627776"),
        ({"norm_eps": 0}, "norm_eps is 0"),
        ({"norm_eps": float("nan")}, "norm_eps is nan"),
        ({"rope_theta": "big"}, "rope_theta is 'big'"),
        ({"ffn_dim_multiplier": -1.3}, "ffn_dim_multiplier is -1.3"),
        ({"vocab_size": -2}, "vocab_size is -2"),
        ({"vocab_size": -1}, "left to the tokenizer"),
        ({"model": 1}, "'model' is no object"),
    ],
)
def test_sizes_that_make_no_llama_are_refused_by_name(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadCheckpoint, match=rf"params\.json makes no LLaMA \(.*{says}"):
        parse_params(LLAMA_3 | changes)
