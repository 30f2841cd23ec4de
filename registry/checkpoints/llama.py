"""How LLaMA's tensors are named, shaped and split, in Meta's layout and in Hugging Face's.

Meta's names and order are the canonical ones: rotary pairs are adjacent rows there, and
Hugging Face's ``q_proj`` and ``k_proj`` have the rows of each head in another order.

Letters: ``d`` width of the model, ``h`` heads, ``k`` key/value heads, ``s`` size of a head
(``d / h``), ``f`` width of the feed-forward, ``v`` tokens.

Source: params.json and model.py of github.com/meta-llama/llama; the converter
``convert_llama_weights_to_hf.py`` of transformers, whose permutation was checked numerically.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

from registry.checkpoints.stored import Bits

Split = Literal["rows", "columns", "copied"]

RULES_VERSION = 1
"""Raised when the same shards would give other bytes."""

_TOP = {
    "tok_embeddings.weight": "model.embed_tokens.weight",
    "norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_LAYER = {
    "attention.wq.weight": "self_attn.q_proj.weight",
    "attention.wk.weight": "self_attn.k_proj.weight",
    "attention.wv.weight": "self_attn.v_proj.weight",
    "attention.wo.weight": "self_attn.o_proj.weight",
    "feed_forward.w1.weight": "mlp.gate_proj.weight",
    "feed_forward.w2.weight": "mlp.down_proj.weight",
    "feed_forward.w3.weight": "mlp.up_proj.weight",
    "attention_norm.weight": "input_layernorm.weight",
    "ffn_norm.weight": "post_attention_layernorm.weight",
}
_META_LAYER = re.compile(r"layers\.(0|[1-9]\d{0,3})\.(.+)")
_HF_LAYER = re.compile(r"model\.layers\.(0|[1-9]\d{0,3})\.(.+)")
_HF_TOP_BACK = {theirs: ours for ours, theirs in _TOP.items()}
_HF_LAYER_BACK = {theirs: ours for ours, theirs in _LAYER.items()}
_LAYER_PLACES = {ours: place for place, ours in enumerate(_LAYER)}
_TOP_PLACES = {"tok_embeddings.weight": (0,), "norm.weight": (2,), "output.weight": (3,)}
_BY_ROWS = ("wq.weight", "wk.weight", "wv.weight", "w1.weight", "w3.weight", "output.weight")
_BY_COLUMNS = ("wo.weight", "w2.weight")


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a LLaMA.

    Attributes:
        dim: ``d``.
        layers: How many.
        heads: ``h``; divides ``dim``.
        kv_heads: ``k``; divides ``heads``.
        feed_forward: ``f``.
        vocab_size: ``v``.
    """

    dim: int
    layers: int
    heads: int
    kv_heads: int
    feed_forward: int
    vocab_size: int

    @property
    def head_dim(self) -> int:
        """``s``."""
        return self.dim // self.heads

    def of(self, meta_name: str) -> tuple[int, ...]:
        """Return the shape of a whole tensor by its name in Meta's layout.

        Raises:
            KeyError: LLaMA has no tensor of this name.
        """
        kind = kind_of(meta_name)
        kv_dim = self.kv_heads * self.head_dim
        return {
            "tok_embeddings.weight": (self.vocab_size, self.dim),
            "norm.weight": (self.dim,),
            "output.weight": (self.vocab_size, self.dim),
            "attention.wq.weight": (self.dim, self.dim),
            "attention.wk.weight": (kv_dim, self.dim),
            "attention.wv.weight": (kv_dim, self.dim),
            "attention.wo.weight": (self.dim, self.dim),
            "feed_forward.w1.weight": (self.feed_forward, self.dim),
            "feed_forward.w2.weight": (self.dim, self.feed_forward),
            "feed_forward.w3.weight": (self.feed_forward, self.dim),
            "attention_norm.weight": (self.dim,),
            "ffn_norm.weight": (self.dim,),
        }[kind]

    def names(self) -> list[str]:
        """Return the names of all tensors in Meta's layout, in canonical order."""
        layers = [f"layers.{number}.{each}" for number in range(self.layers) for each in _LAYER]
        return ["tok_embeddings.weight", *layers, "norm.weight", "output.weight"]


def feed_forward_of(dim: int, *, multiple_of: int, multiplier: float | None) -> int:
    """Return ``f`` as Meta's model computes it from params.json.

    Args:
        dim: ``d``.
        multiple_of: What it is rounded up to.
        multiplier: ``ffn_dim_multiplier``, of the larger models of LLaMA 2 and of LLaMA 3.
    """
    width = int(8 * dim / 3)
    if multiplier is not None:
        width = int(multiplier * width)
    return multiple_of * -(-width // multiple_of)


def kind_of(meta_name: str) -> str:
    """Return the name without the number of its layer."""
    match = _META_LAYER.fullmatch(meta_name)
    return match[2] if match else meta_name


def is_buffer(name: str) -> bool:
    """Return whether a tensor is a table of rotary frequencies, which is no weight."""
    return name.endswith((".freqs", "inv_freq")) or name == "rope.freqs"


def to_huggingface(meta_name: str) -> str | None:
    """Return the name of a tensor in Hugging Face's layout; ``None`` if LLaMA has none such."""
    if match := _META_LAYER.fullmatch(meta_name):
        theirs = _LAYER.get(match[2])
        return theirs and f"model.layers.{match[1]}.{theirs}"
    return _TOP.get(meta_name)


def to_meta(huggingface_name: str) -> str | None:
    """Return the name of a tensor in Meta's layout; ``None`` if LLaMA has none such."""
    if match := _HF_LAYER.fullmatch(huggingface_name):
        ours = _HF_LAYER_BACK.get(match[2])
        return ours and f"layers.{match[1]}.{ours}"
    return _HF_TOP_BACK.get(huggingface_name)


def is_rotary(meta_name: str) -> bool:
    """Return whether the rows of a tensor are in another order in Hugging Face's layout."""
    return meta_name.endswith(("attention.wq.weight", "attention.wk.weight"))


def permute(bits: Bits, *, head_dim: int) -> Bits:
    """Return the rows of ``wq`` or ``wk`` in Hugging Face's order: first of each pair first.

    Args:
        bits: ``(n * s, d)``; not modified.
        head_dim: ``s``, even.
    """
    rows, columns = bits.shape
    pairs = bits.reshape(rows // head_dim, head_dim // 2, 2, columns)  # (n, s/2, 2, d)
    return pairs.swapaxes(1, 2).reshape(rows, columns)


def unpermute(bits: Bits, *, head_dim: int) -> Bits:
    """Return the rows of ``q_proj`` or ``k_proj`` in Meta's order; undoes ``permute``."""
    rows, columns = bits.shape
    halves = bits.reshape(rows // head_dim, 2, head_dim // 2, columns)  # (n, 2, s/2, d)
    return halves.swapaxes(1, 2).reshape(rows, columns)


def split_of(meta_name: str, *, embedding_by_rows: bool) -> Split:
    """Return how a tensor is spread over Meta's shards.

    Args:
        meta_name: Its name in Meta's layout.
        embedding_by_rows: LLaMA 3 splits the embedding by rows, its elders by columns.
    """
    if meta_name == "tok_embeddings.weight":
        return "rows" if embedding_by_rows else "columns"
    if meta_name.endswith(_BY_ROWS):
        return "rows"
    return "columns" if meta_name.endswith(_BY_COLUMNS) else "copied"


def shape_of_config(config: dict[str, Any]) -> Shape:
    """Return the sizes that a checked ``config.json`` of Hugging Face gives.

    Raises:
        KeyError: One is missing.
    """
    heads = config["num_attention_heads"]
    return Shape(
        dim=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=heads,
        kv_heads=config.get("num_key_value_heads") or heads,
        feed_forward=config["intermediate_size"],
        vocab_size=config["vocab_size"],
    )


def place_of(meta_name: str) -> tuple[int, ...] | None:
    """Return what sorts tensors into canonical order; ``None`` if LLaMA has none such."""
    if match := _META_LAYER.fullmatch(meta_name):
        kind = _LAYER_PLACES.get(match[2])
        return None if kind is None else (1, int(match[1]), kind)
    return _TOP_PLACES.get(meta_name)
