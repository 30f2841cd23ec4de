"""What params.json becomes, beside what the publishers ship in Hugging Face's layout."""

from typing import Any

import pytest

from registry.checkpoints.configs import check_params, config_of
from registry.checkpoints.params import parse_params
from registry.errors import BadCheckpoint

LLAMA_1_7B = {
    "dim": 4096,
    "multiple_of": 256,
    "n_heads": 32,
    "n_layers": 32,
    "norm_eps": 1e-06,
    "vocab_size": -1,
}
LLAMA_2_70B = {
    "dim": 8192,
    "multiple_of": 4096,
    "ffn_dim_multiplier": 1.3,
    "n_heads": 64,
    "n_kv_heads": 8,
    "n_layers": 80,
    "norm_eps": 1e-05,
    "vocab_size": -1,
}
LLAMA_31_8B = {
    "dim": 4096,
    "n_layers": 32,
    "n_heads": 32,
    "n_kv_heads": 8,
    "vocab_size": 128256,
    "ffn_dim_multiplier": 1.3,
    "multiple_of": 1024,
    "norm_eps": 1e-05,
    "rope_theta": 500000.0,
    "use_scaled_rope": True,
}


def config(params: dict[str, Any]) -> dict[str, Any]:
    return config_of(parse_params(params, tokenizer_size=32000), dtype="float16", is_tied=False)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (
            LLAMA_1_7B,
            {
                "intermediate_size": 11008,
                "max_position_embeddings": 2048,
                "num_key_value_heads": 32,
                "rms_norm_eps": 1e-06,
                "rope_scaling": None,
                "rope_theta": 10000.0,
                "vocab_size": 32000,
                "bos_token_id": 1,
                "eos_token_id": 2,
            },
        ),
        (
            LLAMA_2_70B,
            {
                "intermediate_size": 28672,
                "max_position_embeddings": 4096,
                "num_key_value_heads": 8,
                "num_hidden_layers": 80,
            },
        ),
        (
            LLAMA_31_8B,
            {
                "intermediate_size": 14336,
                "max_position_embeddings": 131072,
                "rope_theta": 500000.0,
                "rope_scaling": {
                    "factor": 8.0,
                    "high_freq_factor": 4.0,
                    "low_freq_factor": 1.0,
                    "original_max_position_embeddings": 8192,
                    "rope_type": "llama3",
                },
                "bos_token_id": 128000,
                "eos_token_id": [128001, 128008, 128009],
            },
        ),
    ],
)
def test_the_configuration_is_that_of_the_published_model(
    params: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = config(params)

    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("nested", [False, True])
def test_what_params_say_beyond_a_plain_llama_is_refused(nested: bool) -> None:
    params = {**LLAMA_31_8B, "quantization_args": {"scheme": "int4"}}

    with pytest.raises(BadCheckpoint, match="quantization_args"):
        check_params({"model": params} if nested else params)
