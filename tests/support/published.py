"""The weights of tests/support/meta.py as transformers saves them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from registry.checkpoints import llama
from registry.checkpoints.digest import digest_files
from registry.checkpoints.identify import Identity, Known, identify
from registry.checkpoints.layouts import files_of
from registry.checkpoints.manifest import Manifest
from registry.checkpoints.tensors import digest_tensors
from registry.checkpoints.weights import open_weights
from tests.support.meta import MetaLlama, whole_tensors

# Heads of 16: of smaller ones, two mistakes give the same order of rows.
MODEL = MetaLlama(generation=2, dim=256)
TENSORS = len(MODEL.shape.names())

Order = Callable[[Tensor, int], Tensor]


def to_halves(weight: Tensor, head_dim: int) -> Tensor:
    """Return the rows of each head in Hugging Face's order, row by row."""
    half = head_dim // 2
    return weight[
        [
            head + 2 * pair + second
            for head in range(0, len(weight), head_dim)
            for second in (0, 1)
            for pair in range(half)
        ]
    ]


def huggingface_tensors(
    model: MetaLlama, tensors: Mapping[str, Tensor] | None = None, *, order: Order = to_halves
) -> dict[str, Tensor]:
    """Return weights under Hugging Face's names, with the rows of wq and wk as ``order`` says."""
    named = {}
    for name, each in (tensors or whole_tensors(model)).items():
        theirs = llama.to_huggingface(name)
        assert theirs is not None
        named[theirs] = order(each, model.shape.head_dim) if llama.is_rotary(name) else each
    return named


def write_huggingface(
    folder: Path, model: MetaLlama, tensors: Mapping[str, Tensor], *, shard_bytes: int = 1 << 30
) -> Path:
    """Write weights in Hugging Face's names with ``save_pretrained``."""
    shape = model.shape
    config = LlamaConfig(
        hidden_size=shape.dim,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        vocab_size=shape.vocab_size,
        tie_word_embeddings=False,
    )
    made = LlamaForCausalLM(config)
    for name, parameter in made.named_parameters():
        parameter.data = tensors[name].clone()
    made.save_pretrained(folder, max_shard_size=shard_bytes)
    written = json.loads((folder / "config.json").read_text())
    assert written["model_type"] == "llama"
    return folder


def cast(tensors: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """Return the tensors in another dtype."""
    return {name: each.to(dtype) for name, each in tensors.items()}


def known_of(folder: Path, name: str = "owner/tiny") -> Known:
    """Return what a registry that had registered the folder would know."""
    files = files_of(folder)
    manifest = Manifest.of(digest_files(files, root=folder.resolve()))
    places = {each.relative_to(folder.resolve()).as_posix(): each for each in files}
    return Known(
        name=name,
        source="a test",
        files={entry.path: entry.sha256 for entry in manifest.files},
        tensors=tuple(digest_tensors(open_weights(places).wholes)),
        state="published",
        digest=manifest.digest,
    )


def identified(folder: Path, *known: Known) -> Identity:
    """Identify a folder among what is known."""
    return identify(files_of(folder), root=folder.resolve(), known=known)


def change(folder: Path, edit: Callable[[dict[str, Tensor]], None]) -> None:
    """Write the weights of a folder again, changed."""
    tensors = load_file(folder / "model.safetensors")
    edit(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def without_config(folder: Path) -> Known:
    """Return what the registry knows of a folder whose other files are nobody's."""
    known = known_of(folder)
    return Known(known.name, known.source, {}, known.tensors)
