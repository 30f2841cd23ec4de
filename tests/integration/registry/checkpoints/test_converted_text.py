"""A trained checkpoint tells the same story after its conversion."""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import LlamaForCausalLM

from registry.checkpoints.configs import config_of
from registry.checkpoints.convert import from_meta
from registry.checkpoints.llama import split_of
from registry.checkpoints.params import Params, parse_params
from registry.checkpoints.pickles import read_tensors
from registry.checkpoints.writing import files_for

BEGIN = 1


@dataclass(frozen=True)
class Story:
    """A small trained LLaMA with the text that it is known to tell."""

    tensors: dict[str, Tensor]
    params: Params
    pieces: list[bytes]
    text: str


@pytest.fixture
def story(data_dir: Path) -> Story:
    """The checkpoint stories260K of llama2.c, in Meta's names."""
    folder = data_dir / "llama"
    if not (folder / "stories260K.bin").is_file():
        pytest.skip("no llama/stories260K.bin in the data folder (CORRAL_TEST_DATA)")
    golden = (folder / "GOLDEN.txt").read_text().splitlines()
    data = (folder / "stories260K.bin").read_bytes()
    dim, _, layers, heads, kv_heads, vocab_size, context = struct.unpack("<7i", data[:28])
    params = parse_params(
        {
            "dim": dim,
            "n_layers": layers,
            "n_heads": heads,
            "n_kv_heads": kv_heads,
            "vocab_size": vocab_size,
            "multiple_of": 4,
            "norm_eps": 1e-5,
            "max_seq_len": context,
        }
    )
    return Story(
        tensors=tensors_of(np.frombuffer(data, dtype="<f4", offset=28), params),
        params=params,
        pieces=pieces_of((folder / "stories260K.tok512.bin").read_bytes()),
        text="\n".join(golden[1 : next(n for n, each in enumerate(golden) if "Layout" in each)]),
    )


def tensors_of(numbers: np.ndarray, params: Params) -> dict[str, Tensor]:
    """Take the tensors apart that the file has one kind after the other."""
    rest, found = torch.from_numpy(numbers.copy()), {}
    shape = params.shape

    def take(name: str) -> None:
        nonlocal rest
        count = int(np.prod(shape.of(name)))
        found[name], rest = rest[:count].reshape(shape.of(name)), rest[count:]

    take("tok_embeddings.weight")
    attention = ("attention_norm", *(f"attention.{each}" for each in ("wq", "wk", "wv", "wo")))
    feed_forward = ("ffn_norm", *(f"feed_forward.{each}" for each in ("w1", "w2", "w3")))
    for kind in (*attention, *feed_forward):
        for layer in range(shape.layers):
            take(f"layers.{layer}.{kind}.weight")
    take("norm.weight")
    return {**found, "output.weight": found["tok_embeddings.weight"]}


def pieces_of(data: bytes) -> list[bytes]:
    """Read a tokenizer of llama2.c: a score, a length and the bytes of each piece."""
    pieces, place = [], 4
    while place < len(data):
        (length,) = struct.unpack_from("<i", data, place + 4)
        pieces.append(data[place + 8 : place + 8 + length])
        place += 8 + length
    return [bytes([int(each[3:5], 16)]) if each[:3] == b"<0x" else each for each in pieces]


@pytest.mark.parametrize("count", [1, 4])
def test_a_trained_model_tells_the_same_story_from_any_number_of_shards(
    story: Story, tmp_path: Path, count: int
) -> None:
    for number in range(count):
        parts = {}
        for name, whole in story.tensors.items():
            way = split_of(name, embedding_by_rows=False)
            axis = 1 if way == "columns" else 0
            part = whole if way == "copied" else whole.chunk(count, dim=axis)[number]
            parts[name] = part.clone()
        torch.save(parts, tmp_path / f"consolidated.{number:02}.pth")

    shards = [read_tensors(file) for file in sorted(tmp_path.glob("*.pth"))]
    conversion = from_meta(shards, shape=story.params.shape)
    [file] = files_for(conversion.tensors)
    file.write(tmp_path / file.path)
    config = config_of(story.params, dtype=conversion.dtype, is_tied=conversion.is_tied)
    (tmp_path / "config.json").write_text(json.dumps(config))

    model = LlamaForCausalLM.from_pretrained(tmp_path)
    tokens = [BEGIN]
    with torch.no_grad():
        for _ in range(160):
            tokens.append(int(model(torch.tensor([tokens])).logits[0, -1].argmax()))
    told = b"".join(story.pieces[token] for token in tokens[1:]).decode().strip()
    assert told.startswith(story.text)
