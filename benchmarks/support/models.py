"""The models that the engine is measured with."""

from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from registry.checkpoints.tokenizer import Tokenizer, load_tokenizer
from workers.generation.loading import LoadedRelease

SHAPES = ("bundled", "134m")
BUNDLED = Path(__file__).resolve().parent.parent.parent / "registry/bundled/release"
CONTEXT = 512
WIDE = LlamaConfig(
    vocab_size=32_000,
    hidden_size=768,
    intermediate_size=2_048,
    num_hidden_layers=12,
    num_attention_heads=12,
    max_position_embeddings=CONTEXT,
    tie_word_embeddings=False,
)
"""134 million weights, as in the trials that the engine's design comes from."""


def model(shape: str) -> LlamaForCausalLM:
    """Return the bundled release's model, or one of 134 million random weights, in float32."""
    if shape == "bundled":
        made: Any = LlamaForCausalLM.from_pretrained(BUNDLED, dtype=torch.float32)
    else:
        torch.manual_seed(0)
        made = LlamaForCausalLM(WIDE)
    ready: LlamaForCausalLM = made.train(mode=False).requires_grad_(requires_grad=False)
    return ready


def tokenizer() -> Tokenizer:
    """Return the bundled release's tokenizer, which serves every shape."""
    return load_tokenizer(BUNDLED / "tokenizer.model")


def release(shape: str) -> LoadedRelease:
    """Return a model with the tokenizer; no token ends a text, so every text has its length."""
    made = model(shape)
    context = min(CONTEXT, made.config.max_position_embeddings)
    return LoadedRelease("0" * 64, made, tokenizer(), frozenset(), context)
