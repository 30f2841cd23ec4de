"""The tensors of a GGUF file, by their names in Meta's layout.

Converters of LLaMAs keep ``attn_q`` and ``attn_k`` in Meta's order of rows, and write
vectors as ``F32`` whatever the rest is. Quantised tensors are other numbers than those they
were made from: they are named, not read.

Source: docs/gguf.md of github.com/ggml-org/ggml; gguf-py of github.com/ggml-org/llama.cpp.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFReader

from registry.checkpoints import gguf_header
from registry.checkpoints.stored import StoredTensor, unsigned
from registry.errors import BadCheckpoint

_KINDS = {
    GGMLQuantizationType.F32: "F32",
    GGMLQuantizationType.F16: "F16",
    GGMLQuantizationType.BF16: "BF16",
}
_TOP = {
    "token_embd.weight": "tok_embeddings.weight",
    "output_norm.weight": "norm.weight",
    "output.weight": "output.weight",
}
_LAYER = {
    "attn_q": "attention.wq",
    "attn_k": "attention.wk",
    "attn_v": "attention.wv",
    "attn_output": "attention.wo",
    "ffn_gate": "feed_forward.w1",
    "ffn_down": "feed_forward.w2",
    "ffn_up": "feed_forward.w3",
    "attn_norm": "attention_norm",
    "ffn_norm": "ffn_norm",
}
_BLOCK = re.compile(r"blk\.(0|[1-9]\d{0,3})\.(\w+)\.weight")
_FREQUENCIES = "rope_freqs.weight"


@dataclass(frozen=True, slots=True)
class GgufFile:
    """What a GGUF file holds.

    Attributes:
        tensors: Those that are not quantised, under the names of Meta's layout if it is a
            LLaMA.
        quantised: How many tensors there are of each type that is not read.
        head_dim: Size of a head, if the file says it.
    """

    tensors: tuple[StoredTensor, ...]
    quantised: dict[str, int]
    head_dim: int | None


def read_gguf(file: Path) -> GgufFile:
    """Map the tensors of a GGUF file.

    The file must not be cut short while they are in use: the process would be killed.

    Raises:
        BadCheckpoint: It is no sound GGUF file, or one beyond the limits.
    """
    blocks = {int(kind): sizes for kind, sizes in GGML_QUANT_SIZES.items()}
    gguf_header.check_header(file, blocks=blocks)
    try:
        reader = GGUFReader(file)
    except (ValueError, KeyError, IndexError, TypeError, OverflowError, OSError) as error:
        raise BadCheckpoint(
            f"{file.name} is no GGUF file that the gguf library reads: get the file again"
        ) from error
    is_llama = _value(reader, "general.architecture") == "llama"
    tensors, quantised = [], dict[str, int]()
    for each in reader.tensors:
        dtype = _KINDS.get(each.tensor_type)
        if dtype is None:
            kind = each.tensor_type.name
            quantised[kind] = quantised.get(kind, 0) + 1
        elif not (is_llama and each.name == _FREQUENCIES):
            shape = tuple(int(size) for size in reversed(each.shape))
            bits = each.data.reshape(-1).view(unsigned(dtype)).reshape(shape)
            tensors.append(StoredTensor(_name(each.name, is_llama=is_llama), dtype, bits))
    return GgufFile(tuple(tensors), quantised, _head_dim(reader))


def _name(name: str, *, is_llama: bool) -> str:
    if not is_llama:
        return name
    if match := _BLOCK.fullmatch(name):
        kind = _LAYER.get(match[2])
        return f"layers.{match[1]}.{kind}.weight" if kind else name
    return _TOP.get(name, name)


def _head_dim(reader: GGUFReader) -> int | None:
    width, heads = (
        _value(reader, f"llama.{each}") for each in ("embedding_length", "attention.head_count")
    )
    if type(width) is int and type(heads) is int and heads > 0:
        return width // heads
    return None


def _value(reader: GGUFReader, key: str) -> Any:
    field = reader.get_field(key)
    try:
        return None if field is None else field.contents()
    except UnicodeDecodeError:
        return None  # a text that is none says nothing
