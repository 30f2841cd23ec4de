"""LLaMAs of transformers, taken apart into the shards of Meta's layout, with torch alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from registry.checkpoints.stored import StoredTensor

VOCAB_SIZE = 320

_DTYPES = {torch.float16: "F16", torch.bfloat16: "BF16", torch.float32: "F32"}
_UNSIGNED = {2: (torch.int16, np.uint16), 4: (torch.int32, np.uint32)}
_LAYER = {
    "attention.wq": "self_attn.q_proj",
    "attention.wk": "self_attn.k_proj",
    "attention.wv": "self_attn.v_proj",
    "attention.wo": "self_attn.o_proj",
    "feed_forward.w1": "mlp.gate_proj",
    "feed_forward.w2": "mlp.down_proj",
    "feed_forward.w3": "mlp.up_proj",
    "attention_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
_BY_COLUMNS = ("wo.weight", "w2.weight")


def random_llama(
    *,
    kv_heads: int = 8,
    dtype: torch.dtype = torch.float16,
    dim: int = 64,
    layers: int = 2,
    **more: Any,
) -> LlamaForCausalLM:
    """Return a small LLaMA whose weights are large enough to matter."""
    config = LlamaConfig(
        hidden_size=dim,
        intermediate_size=256,
        num_hidden_layers=layers,
        num_attention_heads=8,
        num_key_value_heads=kv_heads,
        vocab_size=VOCAB_SIZE,
        max_position_embeddings=2048,
        rms_norm_eps=1e-6,
        initializer_range=0.2,
        tie_word_embeddings=False,
        **more,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        model = LlamaForCausalLM(config)
        for name, each in model.named_parameters():
            if "norm" in name:
                torch.nn.init.uniform_(each, 0.5, 1.5)
            # Not model.to: that would round the rotary frequencies, which nobody stores.
            each.data = each.data.to(dtype)
    model.train(mode=False)
    return model


def params_of(model: LlamaForCausalLM) -> dict[str, Any]:
    """Return the params.json of a model that ``random_llama`` made."""
    config = model.config
    params: dict[str, Any] = {
        "dim": config.hidden_size,
        "multiple_of": 256,
        "n_heads": config.num_attention_heads,
        "n_layers": config.num_hidden_layers,
        "norm_eps": config.rms_norm_eps,
        "vocab_size": -1,
    }
    if config.num_key_value_heads != config.num_attention_heads:
        params["n_kv_heads"] = config.num_key_value_heads
    return params


def meta_shards(
    model: LlamaForCausalLM, count: int, *, embedding_by_rows: bool = False
) -> list[dict[str, Tensor]]:
    """Return what each ``consolidated.NN.pth`` holds; the parts are views of the whole."""
    shards: list[dict[str, Tensor]] = [{} for _ in range(count)]
    for name, whole in _in_meta_names(model).items():
        axis = _axis(name, embedding_by_rows=embedding_by_rows)
        parts = [whole] * count if axis is None else torch.chunk(whole, count, dim=axis)
        for shard, part in zip(shards, parts, strict=True):
            shard[name] = part
    return shards


def stored(tensors: Mapping[str, Tensor]) -> list[StoredTensor]:
    """Return tensors as a reader of files gives them; strides stay as they are."""
    return [
        StoredTensor(name, _DTYPES[each.dtype], bits_of(each)) for name, each in tensors.items()
    ]


def bits_of(tensor: Tensor) -> Any:
    """Return a tensor's bits."""
    signed, unsigned = _UNSIGNED[tensor.element_size()]
    return tensor.detach().view(signed).numpy().view(unsigned)


def _in_meta_names(model: LlamaForCausalLM) -> dict[str, Tensor]:
    state, config = model.state_dict(), model.config
    head_dim = config.hidden_size // config.num_attention_heads
    named = {
        "tok_embeddings.weight": state["model.embed_tokens.weight"],
        "norm.weight": state["model.norm.weight"],
        "output.weight": state["lm_head.weight"],
    }
    for number in range(config.num_hidden_layers):
        for ours, theirs in _LAYER.items():
            each = state[f"model.layers.{number}.{theirs}.weight"]
            if ours in ("attention.wq", "attention.wk"):
                each = _interleave(each, head_dim)
            named[f"layers.{number}.{ours}.weight"] = each
    return named


def _interleave(weight: Tensor, head_dim: int) -> Tensor:
    """Put the two rows of each rotary pair side by side, row by row."""
    half = head_dim // 2
    rows = [
        head + pair + half * second
        for head in range(0, len(weight), head_dim)
        for pair in range(half)
        for second in (0, 1)
    ]
    return weight[rows]


def _axis(name: str, *, embedding_by_rows: bool) -> int | None:
    if "norm" in name:
        return None
    if name == "tok_embeddings.weight":
        return 0 if embedding_by_rows else 1
    return 1 if name.endswith(_BY_COLUMNS) else 0
