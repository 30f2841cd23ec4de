"""Putting named tensors into a LLaMA of transformers, with none missing and none left over."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from registry.errors import BadCheckpoint

# With the other kinds, the rotation of a token depends on how long the longest row of the
# batch is, so that a text would depend on its neighbours.
ROPE_TYPES = frozenset({"default", "linear", "llama3", "yarn"})

_HEAD, _EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"
_COMPUTED = "rotary_emb.inv_freq"  # stored by old versions, computed from the configuration


def assemble(config: dict[str, Any], weights: Mapping[str, Tensor]) -> LlamaForCausalLM:
    """Return the model, on the CPU, holding these very tensors in their own precision.

    Args:
        config: What ``config.json`` holds.
        weights: All tensors by name; not copied.

    Raises:
        BadCheckpoint: The configuration is no LLaMA's, or the tensors do not fit it.
    """
    llama = _config(config)
    with torch.device("meta"):
        model = LlamaForCausalLM(llama)
    # On the meta device nothing is computed, so what is not loaded is made again.
    model.model.rotary_emb = LlamaRotaryEmbedding(llama)
    given = {name: each for name, each in weights.items() if not name.endswith(_COMPUTED)}
    if llama.tie_word_embeddings and _EMBEDDING in given:
        _tie(given)
    _check(given, expected=model.state_dict())
    model.load_state_dict(given, assign=True)
    model.tie_weights()
    model.train(mode=False)
    model.requires_grad_(requires_grad=False)
    return model


def _config(config: dict[str, Any]) -> LlamaConfig:
    try:
        llama = LlamaConfig.from_dict(config, attn_implementation="sdpa")
        kind = dict(llama.rope_parameters or {}).get("rope_type")
    # transformers checks configurations with errors of several kinds, some of them its own.
    except Exception as error:
        raise BadCheckpoint("config.json does not describe a LLaMA of transformers") from error
    if kind not in ROPE_TYPES:
        raise BadCheckpoint(
            f"config.json asks for rotary embeddings of the type {kind!a}; "
            f"Corral runs {', '.join(sorted(ROPE_TYPES))}"
        )
    return llama


def _tie(given: dict[str, Tensor]) -> None:
    """Let the head be the embedding, as the configuration says."""
    head = given.setdefault(_HEAD, given[_EMBEDDING])
    if not torch.equal(head, given[_EMBEDDING]):
        raise BadCheckpoint(
            "config.json says that the output head is the embedding (tie_word_embeddings), "
            "but the weights hold another one"
        )


def _check(given: Mapping[str, Tensor], *, expected: Mapping[str, Tensor]) -> None:
    for name in sorted(expected.keys() - given.keys()):
        raise BadCheckpoint(f"the weights lack {name!a}, which config.json asks for")
    for name in sorted(given.keys() - expected.keys()):
        raise BadCheckpoint(f"the weights hold {name!a}, for which config.json has no place")
    for name, tensor in given.items():
        if tensor.shape != expected[name].shape:
            raise BadCheckpoint(
                f"{name!a} has the shape {list(tensor.shape)}, but config.json asks for "
                f"{list(expected[name].shape)}"
            )
        if tensor.dtype not in (torch.float32, torch.float16, torch.bfloat16):
            raise BadCheckpoint(
                f"{name!a} is stored as {tensor.dtype}; Corral runs float32, float16 and bfloat16"
            )
