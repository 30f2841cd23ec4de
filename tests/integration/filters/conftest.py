from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AlbertConfig,
    BertConfig,
    PretrainedConfig,
    RobertaConfig,
    XLMRobertaConfig,
)

from filters.catalog import load_filters
from filters.checkpoints import CheckpointSource
from filters.contract import Filter
from filters.loading import ARCHITECTURES

CLASSES = ("toxic", "severe_toxic", "insult")
_WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "you", "bad", "good", "word")
_LETTERS = "abcdefghijklmnopqrstuvwxyz!.,"
VOCABULARY = [*_WORDS, *_LETTERS, *(f"##{letter}" for letter in _LETTERS)]
_CONFIGS: dict[str, type[PretrainedConfig]] = {
    "AlbertForSequenceClassification": AlbertConfig,
    "BertForSequenceClassification": BertConfig,
    "RobertaForSequenceClassification": RobertaConfig,
    "XLMRobertaForSequenceClassification": XLMRobertaConfig,
}
_SMALL = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 16,
    "embedding_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 40,
    "pad_token_id": 0,
}

Change = Callable[[dict[str, Any]], None]
WriteCheckpoint = Callable[..., CheckpointSource]


def save(raw: object, path: Path) -> str:
    """Save like Detoxify does and return the digest of the file."""
    torch.save(raw, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def write_checkpoint(tmp_path: Path) -> WriteCheckpoint:
    """Write a small random checkpoint with its config folder, changed as the test asks."""

    def write(
        *,
        architecture: str = "BertForSequenceClassification",
        classes: Sequence[str] = CLASSES,
        vocabulary: int = len(VOCABULARY),
        change: Change | None = None,
    ) -> CheckpointSource:
        torch.manual_seed(0)
        names = {"id2label": dict(enumerate(classes)), "vocab_size": vocabulary}
        config = _CONFIGS[architecture].from_dict(_SMALL | names)
        model = ARCHITECTURES[architecture](config)
        arguments = {
            "num_classes": len(classes),
            "model_type": "bert-base-uncased",
            "model_name": architecture,
            "tokenizer_name": "BertTokenizer",
        }
        raw: dict[str, Any] = {
            "config": {
                "arch": {"type": "BERT", "args": arguments},
                "dataset": {"type": "Jigsaw", "args": {"classes": list(classes)}},
            },
            "state_dict": dict(model.state_dict()),
        }
        if change:
            change(raw)
        folder = tmp_path / "config"
        folder.mkdir(exist_ok=True)
        config.save_pretrained(folder)
        write_tokenizer(folder)
        path = tmp_path / "small.ckpt"
        return CheckpointSource(path, folder, save(raw, path))

    return write


def write_tokenizer(folder: Path) -> None:
    """Write a WordPiece tokenizer with the words and letters of ``VOCABULARY``."""
    ids = {piece: index for index, piece in enumerate(VOCABULARY)}
    special = {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in _WORDS[2:4]}
    begin, text, end = (
        {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
    )
    described: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [begin, text, end],
            "pair": [begin, text, end],
            "special_tokens": special,
        },
        "decoder": None,
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": ids,
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(described), encoding="utf-8")
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 512,
        "unk_token": "[UNK]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")


@pytest.fixture(scope="session")
def bundled() -> tuple[Filter, ...]:
    """The filters as they ship, with the bundled weights."""
    return load_filters()


@pytest.fixture(scope="session")
def labelled_data() -> Path:
    """The folder of labelled texts; tests that need it are skipped where it is absent."""
    default = Path(__file__).parents[3] / "../shared/data"
    folder = Path(os.environ.get("CORRAL_TEST_DATA", default)).resolve()
    if not (folder / "test").is_dir():
        pytest.skip("the folder of labelled texts is absent; set CORRAL_TEST_DATA")
    return folder
