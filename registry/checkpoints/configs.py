"""The ``config.json`` of a checkpoint that came in Meta's layout, as Hugging Face's code reads it.

Source: the configurations that the publishers of LLaMA 1 to 3.2 ship beside their safetensors,
in the names that every version of transformers since 4.43 understands.
"""

from typing import Any

from registry.checkpoints.llama import Shape
from registry.checkpoints.params import PARAMS, Params, RopeScaling
from registry.errors import BadCheckpoint

GENERATION_CONFIG = "generation_config.json"

_KNOWN = frozenset(
    {
        "dim",
        "ffn_dim_multiplier",
        "max_batch_size",
        "max_seq_len",
        "multiple_of",
        "n_heads",
        "n_kv_heads",
        "n_layers",
        "norm_eps",
        "rope_high_freq_factor",
        "rope_scaling_factor",
        "rope_theta",
        "use_scaled_rope",
        "vocab_size",
    }
)
_THIRD_VOCAB_SIZE = 128_256


def config_of(params: Params, *, dtype: str, is_tied: bool) -> dict[str, Any]:
    """Return what ``config.json`` holds.

    Args:
        params: What Meta's file says.
        dtype: The one that the weights are stored in, such as ``float16``.
        is_tied: Whether the head is the embedding.
    """
    shape = params.shape
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        **end_tokens(shape),
        "hidden_act": "silu",
        "hidden_size": shape.dim,
        "initializer_range": 0.02,
        "intermediate_size": shape.feed_forward,
        "max_position_embeddings": params.context_tokens,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "num_key_value_heads": shape.kv_heads,
        "rms_norm_eps": params.norm_eps,
        "rope_scaling": _stretched(params.rope_scaling) if params.rope_scaling else None,
        "rope_theta": params.rope_theta,
        "tie_word_embeddings": is_tied,
        "torch_dtype": dtype,
        "use_cache": True,
        "vocab_size": shape.vocab_size,
    }


def end_tokens(shape: Shape) -> dict[str, Any]:
    """Return the tokens that begin and end a text, which are all ``generation_config.json`` holds.

    Those of LLaMA 3 that end a turn or a message are among them: only its tuned models write
    them, and they mean the end there.
    """
    if shape.vocab_size >= _THIRD_VOCAB_SIZE:
        return {"bos_token_id": 128_000, "eos_token_id": [128_001, 128_008, 128_009]}
    return {"bos_token_id": 1, "eos_token_id": 2}


def check_params(document: dict[str, Any]) -> None:
    """Check that params.json says nothing that Corral would silently leave out.

    Raises:
        BadCheckpoint: It holds a key of another kind of model.
    """
    inner = document.get("model")
    given = inner if isinstance(inner, dict) else document
    for key in sorted(given.keys() - _KNOWN):
        raise BadCheckpoint(
            f"{PARAMS} has {key!a}, which Corral does not know: these may be no plain LLaMA "
            "weights; use the model in Hugging Face's layout"
        )


def _stretched(scaling: RopeScaling) -> dict[str, Any]:
    return {
        "factor": scaling.factor,
        "high_freq_factor": scaling.high_frequency_factor,
        "low_freq_factor": scaling.low_frequency_factor,
        "original_max_position_embeddings": scaling.original_context_tokens,
        "rope_type": "llama3",
    }
