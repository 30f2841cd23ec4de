"""The tiny trained checkpoint of the test data, converted to the layout of Hugging Face.

The data's README describes both of its files.
"""

import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

_BEGIN, _END = 1, 2
_ROPE_THETA = 10_000.0
_NORM_EPS = 1e-5

# Of sentencepiece_model.proto: SentencePiece.Type and TrainerSpec.ModelType.
_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6
_BPE = 2


def golden_text(data: Path) -> str:
    """Return the text that the checkpoint writes greedily from an empty prompt."""
    lines = (data / "llama/GOLDEN.txt").read_text(encoding="utf-8").splitlines()
    return "\n".join(lines[1:-1])


def make_stories_release(folder: Path, data: Path) -> None:
    """Write the checkpoint to a folder as config.json, tokenizer.model and model.safetensors.

    Args:
        folder: Made if it is missing.
        data: The folder of test data; the checkpoint is in its ``llama``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    raw = (data / "llama/stories260K.bin").read_bytes()
    dim, hidden, layers, heads, kv_heads, vocab, context = struct.unpack_from("<7i", raw)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "bos_token_id": _BEGIN,
        "eos_token_id": [_BEGIN, _END],
        "hidden_act": "silu",
        "hidden_size": dim,
        "intermediate_size": hidden,
        "max_position_embeddings": context,
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "num_key_value_heads": kv_heads,
        "rms_norm_eps": _NORM_EPS,
        "rope_theta": _ROPE_THETA,
        "tie_word_embeddings": True,
        "vocab_size": vocab,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    tensors = _tensors(np.frombuffer(raw, "<f4", offset=7 * 4), config)
    save_file({name: torch.tensor(each) for name, each in tensors}, folder / "model.safetensors")
    tokenizer = (data / "llama/stories260K.tok512.bin").read_bytes()
    (folder / "tokenizer.model").write_bytes(_tokenizer_model(tokenizer, vocab=vocab))


def _tensors(
    numbers: NDArray[np.float32], config: dict[str, int]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    layers, heads, kv_heads = (
        config[f"num_{name}"] for name in ("hidden_layers", "attention_heads", "key_value_heads")
    )
    dim, hidden = config["hidden_size"], config["intermediate_size"]
    kv_dim = dim // heads * kv_heads
    used = 0

    def take(*shape: int) -> NDArray[np.float32]:
        nonlocal used
        used += math.prod(shape)
        return numbers[used - math.prod(shape) : used].reshape(shape)

    yield "model.embed_tokens.weight", take(config["vocab_size"], dim)
    in_order: list[tuple[str, tuple[int, ...], int]] = [
        ("input_layernorm", (dim,), 0),
        ("self_attn.q_proj", (dim, dim), heads),
        ("self_attn.k_proj", (kv_dim, dim), kv_heads),
        ("self_attn.v_proj", (kv_dim, dim), 0),
        ("self_attn.o_proj", (dim, dim), 0),
        ("post_attention_layernorm", (dim,), 0),
        ("mlp.gate_proj", (hidden, dim), 0),
        ("mlp.down_proj", (dim, hidden), 0),
        ("mlp.up_proj", (hidden, dim), 0),
    ]
    for name, shape, rotated_heads in in_order:
        for layer, each in enumerate(take(layers, *shape)):
            turned = _split_pairs(each, rotated_heads) if rotated_heads else each
            yield f"model.layers.{layer}.{name}.weight", turned
    yield "model.norm.weight", take(dim)


def _split_pairs(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Move the rows from pairs side by side (Meta) to halves (Hugging Face), per head.

    Source: transformers, models/llama/convert_llama_weights_to_hf.py, ``permute``.
    """
    rows, columns = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, columns)
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(rows, columns))


def _tokenizer_model(raw: bytes, *, vocab: int) -> bytes:
    """Return a ModelProto of sentencepiece, written field by field."""
    model, at = b"", 4
    for number in range(vocab):
        score, length = struct.unpack_from("<fi", raw, at)
        piece = raw[at + 8 : at + 8 + length].decode()
        at += 8 + length
        kind = _kind(number, piece)
        # The two control pieces carry newlines; in a sentencepiece model they are names.
        piece = piece.strip() if kind == _CONTROL else piece.replace(" ", "\u2581")
        fields = _text(1, piece) + b"\x15" + struct.pack("<f", score) + _number(3, kind)
        model += _nested(1, fields)
    trainer = _number(3, _BPE) + _number(4, vocab) + _number(35, 1)
    trainer += _number(40, 0) + _number(41, _BEGIN) + _number(42, _END)
    normalizer = _text(1, "identity") + _number(3, 1) + _number(4, 0) + _number(5, 1)
    return model + _nested(2, trainer) + _nested(3, normalizer)


def _kind(number: int, piece: str) -> int:
    if number == 0:
        return _UNKNOWN
    if number in (_BEGIN, _END):
        return _CONTROL
    return _BYTE if piece.startswith("<0x") else _NORMAL


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _nested(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _text(field: int, value: str) -> bytes:
    return _nested(field, value.encode())


def _varint(value: int) -> bytes:
    high, low = divmod(value, 128)
    return bytes([low]) if high == 0 else bytes([low | 128]) + _varint(high)
