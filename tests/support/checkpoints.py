"""Small real checkpoints, written byte by byte."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LLAMA = {"model_type": "llama", "max_position_embeddings": 256, "vocab_size": 8}


def safetensors_bytes(tensors: Mapping[str, Sequence[int]]) -> bytes:
    """Return a safetensors file of byte tensors."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, values in tensors.items():
        begin, data = len(data), data + bytes(values)
        header[name] = {"dtype": "U8", "shape": [len(values)], "data_offsets": [begin, len(data)]}
    return with_header(header, data)


def with_header(header: object, data: bytes = b"") -> bytes:
    """Return a safetensors file with any header, right or wrong."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def make_checkpoint(folder: Path) -> Path:
    """Write a small, right checkpoint in one file of weights."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(LLAMA))
    (folder / "model.safetensors").write_bytes(safetensors_bytes({"a": [1, 2], "b": [3]}))
    (folder / "tokenizer.model").write_bytes(b"\x0a\x07pieces")
    return folder


def make_sharded(folder: Path) -> Path:
    """Write a small, right checkpoint in two files of weights with an index."""
    make_checkpoint(folder)
    (folder / "model.safetensors").unlink()
    one, two = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    (folder / one).write_bytes(safetensors_bytes({"a": [1, 2]}))
    (folder / two).write_bytes(safetensors_bytes({"b": [3]}))
    index = {"metadata": {"total_size": 3}, "weight_map": {"a": one, "b": two}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder
