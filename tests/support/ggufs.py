"""GGUF files as the gguf library writes them."""

from collections.abc import Mapping
from pathlib import Path

import gguf
import torch
from torch import Tensor

from registry.checkpoints import llama

_TOP = {
    "tok_embeddings.weight": "token_embd.weight",
    "norm.weight": "output_norm.weight",
    "output.weight": "output.weight",
}
_LAYER = {
    "attention.wq.weight": "attn_q.weight",
    "attention.wk.weight": "attn_k.weight",
    "attention.wv.weight": "attn_v.weight",
    "attention.wo.weight": "attn_output.weight",
    "feed_forward.w1.weight": "ffn_gate.weight",
    "feed_forward.w2.weight": "ffn_down.weight",
    "feed_forward.w3.weight": "ffn_up.weight",
    "attention_norm.weight": "attn_norm.weight",
    "ffn_norm.weight": "ffn_norm.weight",
}


def write_gguf(file: Path, tensors: Mapping[str, Tensor], *, heads: int) -> Path:
    """Write a LLaMA by its names in Meta's layout; vectors as F32, as converters do."""
    file.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(file, "llama")
    width = tensors["norm.weight"].shape[0]
    writer.add_embedding_length(width)
    writer.add_head_count(heads)
    writer.add_token_list(["<s>", "</s>", "a"])
    table = torch.ones(width // heads // 2).numpy()
    writer.add_tensor("rope_freqs.weight", table)
    for name, each in tensors.items():
        tensor = each.float() if each.dim() == 1 else each
        if tensor.dtype is torch.bfloat16:
            data = tensor.contiguous().view(torch.uint8).numpy()
            writer.add_tensor(_named(name), data, raw_dtype=gguf.GGMLQuantizationType.BF16)
        else:
            writer.add_tensor(_named(name), tensor.contiguous().numpy())
    _write(writer)
    return file


def write_quantised(file: Path, tensors: Mapping[str, Tensor], *, heads: int) -> Path:
    """Write a LLaMA whose matrices are quantised."""
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_embedding_length(tensors["norm.weight"].shape[0])
    writer.add_head_count(heads)
    for name, each in tensors.items():
        numbers = each.float().numpy()
        if each.dim() == 1:
            writer.add_tensor(_named(name), numbers)
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(_named(name), gguf.quantize(numbers, kind), raw_dtype=kind)
    _write(writer)
    return file


def _write(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _named(meta_name: str) -> str:
    if meta_name in _TOP:
        return _TOP[meta_name]
    _, number, _rest = meta_name.split(".", 2)
    return f"blk.{number}.{_LAYER[llama.kind_of(meta_name)]}"
