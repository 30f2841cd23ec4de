"""Strict loading of Detoxify-format checkpoints.

Loading refuses instead of repairing: a classifier whose head was left at random, or that has NaN in
its weights, answers politely and lets everything pass.
"""

from __future__ import annotations

import io
import json
import pickle
import re
from typing import Any

import torch
from torch import Tensor
from transformers import (
    AlbertForSequenceClassification,
    AutoTokenizer,
    BertForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    RobertaForSequenceClassification,
    XLMRobertaForSequenceClassification,
)

from filters.checkpoints import BadCheckpoint, CheckpointSource, read_checked
from filters.classifier import Classifier

ARCHITECTURES: dict[str, type[PreTrainedModel]] = {
    each.__name__: each
    for each in (
        AlbertForSequenceClassification,
        BertForSequenceClassification,
        RobertaForSequenceClassification,
        XLMRobertaForSequenceClassification,
    )
}

_RENAMED = {
    "toxic": "toxicity",
    "severe_toxic": "severe_toxicity",
    "identity_hate": "identity_attack",
}
_UNUSED = re.compile(r"\w+\.embeddings\.position_ids|roberta\.pooler\.dense\.(weight|bias)")
"""What files of transformers 3 may hold although no score depends on it: a buffer that counts, and
the pooler of RoBERTa, whose classifier has a layer of its own. Anything else is refused."""


def load_classifier(source: CheckpointSource, *, device: str | None = None) -> Classifier:
    """Load a classifier from a checkpoint in Detoxify's format.

    1. The bytes have the expected digest (``read_checked``); these very bytes are parsed.
    2. They hold tensors and plain values only; pickled code is refused.
    3. The architecture is one of four, and the config folder describes the same.
    4. There is one class name for each output; names come from the file, never from a position.
    5. Every weight that the architecture has is there, finite and of its shape, and no other.
    6. The tokenizer's ids fit the model.

    Raises:
        BadCheckpoint: One of these does not hold.
    """
    raw = _parse(read_checked(source), source.path.name)
    model_class, labels = _described(raw)
    model = _fill(_empty_model(model_class, len(labels), source), raw["state_dict"])
    tokenizer = AutoTokenizer.from_pretrained(source.config, local_files_only=True)
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise BadCheckpoint("the config folder has no tokenizer.json")
    if max(tokenizer.get_vocab().values()) >= model.config.vocab_size:
        raise BadCheckpoint("the tokenizer has ids that the model has no vectors for")
    return Classifier(
        model, tokenizer, labels, source.digest.lower(), device=device, path=source.path
    )


def _parse(content: bytes, name: str) -> dict[str, Any]:
    try:
        raw = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise BadCheckpoint(f"{name} is not a file of tensors and plain values") from error
    if not isinstance(raw, dict) or not isinstance(raw.get("state_dict"), dict):
        raise BadCheckpoint(f"{name} has no state_dict")
    return raw


def _described(raw: dict[str, Any]) -> tuple[type[PreTrainedModel], tuple[str, ...]]:
    try:
        arguments = raw["config"]["arch"]["args"]
        name, outputs = arguments["model_name"], arguments["num_classes"]
        classes = raw["config"]["dataset"]["args"]["classes"]
    except (KeyError, TypeError) as error:
        raise BadCheckpoint(f"the checkpoint's config lacks {error}") from error
    if name not in ARCHITECTURES:
        raise BadCheckpoint(f"architecture {name} is not one of {', '.join(ARCHITECTURES)}")
    labels = tuple(_RENAMED.get(each, each) for each in classes)
    if len(set(labels)) != len(classes) or len(classes) != outputs or not classes:
        raise BadCheckpoint(f"{len(classes)} class names, not all different, for {outputs} outputs")
    return ARCHITECTURES[name], labels


def _empty_model(
    model_class: type[PreTrainedModel], outputs: int, source: CheckpointSource
) -> PreTrainedModel:
    config_class = model_class.config_class
    try:
        described = json.loads((source.config / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadCheckpoint("the config folder has no readable config.json") from error
    if config_class is None or described.get("model_type") != config_class.model_type:
        raise BadCheckpoint(
            f"config.json describes {described.get('model_type')}, not {model_class.__name__}"
        )
    described |= {"id2label": None, "label2id": None, "num_labels": outputs}
    return model_class(config_class.from_dict(described))


def _fill(model: PreTrainedModel, state: dict[str, Any]) -> PreTrainedModel:
    weights = {name: value for name, value in state.items() if not _UNUSED.fullmatch(name)}
    for name, value in weights.items():
        if not isinstance(value, Tensor) or not value.is_floating_point():
            raise BadCheckpoint(f"{name} is not a tensor of floating point numbers")
        if not value.isfinite().all():
            raise BadCheckpoint(f"{name} holds NaN or infinity")
    try:
        model.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise BadCheckpoint(f"the weights do not fit the architecture: {error}") from error
    return model
