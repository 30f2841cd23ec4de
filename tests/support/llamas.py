"""Tiny LLaMAs with random weights, in the layout of Hugging Face."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from registry.checkpoints.digest import digest_files
from registry.checkpoints.manifest import Manifest
from workers.generation.loading import LoadedRelease, load_release
from workers.training.tokenizer import train_tokenizer

SENTENCES = (
    "The fox walked down to the river and looked at the water.",
    "It was a quiet morning, and nobody was there to see it.",
    "When the rain came, the children ran back to the old house.",
    "There is a small garden behind the house, with apples and roses.",
    "In 1873 the bridge was 240 metres long and 9 metres wide.",
)
VOCAB_SIZE = 320


@dataclass(frozen=True)
class Shape:
    """The sizes of a tiny LLaMA."""

    layers: int = 2
    hidden: int = 32
    heads: int = 4
    kv_heads: int = 2
    tied: bool = True
    context: int = 128
    dtype: torch.dtype = torch.bfloat16
    shards: int = 1
    seed: int = 0
    biases: bool = False
    rope: Mapping[str, Any] | None = field(default=None, hash=False)


def write_llama(folder: Path, shape: Shape | None = None) -> Path:
    """Write a tiny LLaMA with random weights; the same shape gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in _files(shape or Shape()).items():
        (folder / name).write_bytes(data)
    return folder


def describe(folder: Path) -> tuple[Manifest, Callable[[str], Path]]:
    """Return the manifest of a folder and where each file is, as a store would say it."""
    manifest = Manifest.of(digest_files(sorted(folder.iterdir()), root=folder, threads=1))
    places = {entry.sha256: folder / entry.path for entry in manifest.files}
    return manifest, places.__getitem__


def load_folder(folder: Path) -> LoadedRelease:
    """Load a folder as a worker loads a release."""
    manifest, path_of = describe(folder)
    return load_release(manifest, expected_digest=manifest.digest, path_of=path_of)


@cache
def tokenizer_model() -> bytes:
    """Return the bytes of a small tokenizer in LLaMA's conventions."""
    return train_tokenizer(SENTENCES * 4, vocab_size=VOCAB_SIZE)


def config_of(shape: Shape) -> dict[str, Any]:
    """Return what ``config.json`` holds."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "bos_token_id": 1,
        "eos_token_id": 2,
        "hidden_act": "silu",
        "hidden_size": shape.hidden,
        "intermediate_size": shape.hidden * 3 // 2,
        "max_position_embeddings": shape.context,
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "num_key_value_heads": shape.kv_heads,
        "rms_norm_eps": 1e-5,
        "attention_bias": shape.biases,
        "mlp_bias": shape.biases,
        "rope_parameters": dict(shape.rope or {"rope_type": "default", "rope_theta": 10000.0}),
        "tie_word_embeddings": shape.tied,
        "vocab_size": VOCAB_SIZE,
    }


@cache
def _files(shape: Shape) -> dict[str, bytes]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(shape.seed)
        # Larger than a fresh model's, so that the likeliest token is clearly the likeliest.
        config = LlamaConfig(**{**config_of(shape), "initializer_range": 0.2})
        model = LlamaForCausalLM(config)
        for name, each in model.named_parameters():
            if name.endswith(".bias"):
                torch.nn.init.normal_(each, std=0.1)
    weights = {
        name: each.to(shape.dtype)
        for name, each in sorted(model.state_dict().items())
        if not (shape.tied and name == "lm_head.weight")
    }
    return {
        "config.json": json.dumps(config_of(shape)).encode(),
        "tokenizer.model": tokenizer_model(),
        **_weight_files(weights, shape.shards),
    }


def _weight_files(weights: dict[str, Tensor], shards: int) -> dict[str, bytes]:
    if shards == 1:
        return {"model.safetensors": save(weights)}
    names = list(weights)
    places = {
        name: f"model-{number % shards + 1:05}-of-{shards:05}.safetensors"
        for number, name in enumerate(names)
    }
    files = {
        file: save({name: weights[name] for name in names if places[name] == file})
        for file in sorted(set(places.values()))
    }
    index = {"metadata": {}, "weight_map": places}
    return {**files, "model.safetensors.index.json": json.dumps(index).encode()}
