"""From trained weights to the files of a release in the Hugging Face layout.

The same weights always give the same bytes: tensors in the order of their names, JSON with
sorted keys, and no date, path or version of a library anywhere.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from sentencepiece import SentencePieceProcessor
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from workers.training.recipe import Shape
from workers.training.tokenizer import load_tokenizer

_BEGIN, _END = 1, 2


def configuration(shape: Shape) -> dict[str, Any]:
    """Return the ``config.json`` of a model, which also builds it."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": _BEGIN,
        "dtype": "bfloat16",
        "eos_token_id": _END,
        "head_dim": shape.hidden_size // shape.num_attention_heads,
        "hidden_act": "silu",
        "hidden_size": shape.hidden_size,
        "initializer_range": 0.02,
        "intermediate_size": shape.intermediate_size,
        "max_position_embeddings": shape.max_position_embeddings,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": shape.num_attention_heads,
        "num_hidden_layers": shape.num_hidden_layers,
        "num_key_value_heads": shape.num_key_value_heads,
        "pad_token_id": None,
        "rms_norm_eps": shape.rms_norm_eps,
        "rope_parameters": {"rope_theta": shape.rope_theta, "rope_type": "default"},
        "tie_word_embeddings": True,
        "use_cache": True,
        "vocab_size": shape.vocab_size,
    }


def new_model(shape: Shape, *, seed: int) -> LlamaForCausalLM:
    """Return an untrained model with float32 weights drawn from the seed."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(LlamaConfig(**{**configuration(shape), "dtype": "float32"}))


def load_release(folder: Path) -> tuple[LlamaForCausalLM, SentencePieceProcessor]:
    """Return a release's model, widened to float32 and ready to predict, and its tokenizer.

    Raises:
        OSError: A file is missing.
    """
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model.train(mode=False), load_tokenizer((folder / "tokenizer.model").read_bytes())


def write_release(
    folder: Path, *, weights: Mapping[str, Tensor], shape: Shape, tokenizer: bytes
) -> None:
    """Write the five files of a release, the weights rounded to bfloat16.

    Args:
        folder: Made if it is missing; files of the same names are replaced.
        weights: The model's ``state_dict``; the output head shares the embedding's tensor
            and is left out, as ``tie_word_embeddings`` says.
        shape: The sizes of the model.
        tokenizer: Bytes of its ``tokenizer.model``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rounded = {
        name: weights[name].detach().to(torch.bfloat16).contiguous()
        for name in sorted(weights)
        if name != "lm_head.weight"
    }
    (folder / "model.safetensors").write_bytes(save(rounded, metadata={"format": "pt"}))
    (folder / "tokenizer.model").write_bytes(tokenizer)
    _write_json(folder / "config.json", configuration(shape))
    _write_json(
        folder / "generation_config.json",
        {
            "bos_token_id": _BEGIN,
            "do_sample": True,
            "eos_token_id": _END,
            "max_length": shape.max_position_embeddings,
            "temperature": 0.7,
        },
    )
    _write_json(
        folder / "tokenizer_config.json",
        {
            "add_bos_token": True,
            "add_eos_token": False,
            "bos_token": "<s>",
            "clean_up_tokenization_spaces": False,
            "eos_token": "</s>",
            "legacy": True,
            "model_max_length": shape.max_position_embeddings,
            "tokenizer_class": "LlamaTokenizer",
            "unk_token": "<unk>",
        },
    )


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
