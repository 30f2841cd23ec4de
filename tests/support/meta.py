"""Tiny LLaMAs in Meta's layout, split over shards and written by ``torch.save``."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from registry.checkpoints import llama
from tests.support.llamas import VOCAB_SIZE, tokenizer_model

_FACTS: dict[int, dict[str, Any]] = {
    1: {"multiple_of": 32, "norm_eps": 1e-06, "vocab_size": -1},
    2: {"multiple_of": 32, "norm_eps": 1e-05, "vocab_size": -1, "n_kv_heads": 8},
    3: {
        "multiple_of": 64,
        "ffn_dim_multiplier": 1.3,
        "norm_eps": 1e-05,
        "vocab_size": VOCAB_SIZE,
        "n_kv_heads": 8,
        "rope_theta": 500000.0,
    },
}


@dataclass(frozen=True)
class MetaLlama:
    """A tiny LLaMA as Meta would have published it.

    Attributes:
        generation: 1 (no grouped heads), 2 (grouped heads) or 3 (and rows of the embedding).
        shards: 1, 2, 4 or 8.
        dtype: Of every tensor.
        nested: Whether params.json has everything below ``model``.
        views: Whether the tensors of a shard share one storage, some of them transposed.
        seed: Another one gives other weights.
    """

    generation: Literal[1, 2, 3] = 1
    shards: int = 1
    dtype: torch.dtype = torch.float16
    nested: bool = False
    views: bool = False
    seed: int = 0
    dim: int = 128
    layers: int = 2
    heads: int = 16

    @property
    def params(self) -> dict[str, Any]:
        """What params.json holds."""
        sizes = {"dim": self.dim, "n_layers": self.layers, "n_heads": self.heads}
        inner = {**sizes, **_FACTS[self.generation]}
        return {"model": inner} if self.nested else inner

    @property
    def shape(self) -> llama.Shape:
        """Its sizes."""
        facts = _FACTS[self.generation]
        width = llama.feed_forward_of(
            self.dim, multiple_of=facts["multiple_of"], multiplier=facts.get("ffn_dim_multiplier")
        )
        kv_heads = facts.get("n_kv_heads", self.heads)
        return llama.Shape(self.dim, self.layers, self.heads, kv_heads, width, VOCAB_SIZE)


@cache
def whole_tensors(model: MetaLlama) -> dict[str, Tensor]:
    """Return the unsplit tensors by their names in Meta's layout; not to be modified."""
    generator = torch.Generator().manual_seed(model.seed)
    return {
        name: (0.2 * torch.randn(model.shape.of(name), generator=generator)).to(model.dtype)
        for name in model.shape.names()
    }


def shard_tensors(model: MetaLlama, number: int) -> dict[str, Tensor]:
    """Return the tensors of one shard, with the table of rotary frequencies that it had."""
    tensors: dict[str, Tensor] = {}
    for name, whole in whole_tensors(model).items():
        split = llama.split_of(name, embedding_by_rows=model.generation == 3)
        parts = whole.chunk(model.shards, dim=1 if split == "columns" else 0)
        part = whole if split == "copied" else parts[number]
        tensors[name] = part.clone(memory_format=torch.contiguous_format)
    return {**tensors, **_buffers(model)}


def write_meta(folder: Path, model: MetaLlama | None = None, *, tokenizer: bool = True) -> Path:
    """Write a checkpoint as Meta's download leaves it, with its tokenizer beside it."""
    model = model or MetaLlama()
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(model.shards):
        tensors = shard_tensors(model, number)
        torch.save(
            _in_one_storage(tensors) if model.views else tensors,
            folder / f"consolidated.{number:02}.pth",
        )
    (folder / "params.json").write_text(json.dumps(model.params))
    if tokenizer:
        (folder / "tokenizer.model").write_bytes(tokenizer_model())
    write_checklist(folder)
    return folder


def write_checklist(folder: Path, *, line_end: str = "\n") -> Path:
    """Write the ``checklist.chk`` of a folder in Meta's layout: MD5, as ``md5sum`` prints it."""
    names = [*sorted(each.name for each in folder.glob("consolidated.*.pth")), "params.json"]
    lines = [f"{hashlib.md5((folder / name).read_bytes()).hexdigest()}  {name}" for name in names]  # noqa: S324 (what Meta published)
    (folder / "checklist.chk").write_bytes("".join(line + line_end for line in lines).encode())
    return folder / "checklist.chk"


def _buffers(model: MetaLlama) -> dict[str, Tensor]:
    half = model.shape.head_dim // 2
    table = (10000.0 ** -(torch.arange(half) / half)).to(model.dtype)
    if model.generation == 3:
        return {}
    if model.generation == 2 or model.shards > 1:
        return {"rope.freqs": table}
    names = (
        f"layers.{layer}.attention.inner_attention.rope.freqs" for layer in range(model.layers)
    )
    return {name: table.clone() for name in names}


def _in_one_storage(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return equal tensors that are views, ``wo`` and ``w2`` transposed ones."""
    flat = torch.empty(
        sum(each.numel() for each in tensors.values()), dtype=next(iter(tensors.values())).dtype
    )
    views, start = {}, 0
    for name, each in tensors.items():
        is_transposed = name.endswith(("wo.weight", "w2.weight"))
        place = flat[start : start + each.numel()]
        start += each.numel()
        view = place.view(each.shape[::-1]).t() if is_transposed else place.view(each.shape)
        views[name] = view.copy_(each)
    return views
