"""A converted checkpoint is, to transformers, the model whose weights were taken apart."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import LlamaForCausalLM

from registry.checkpoints.configs import config_of
from registry.checkpoints.convert import Conversion, from_bin, from_meta
from registry.checkpoints.headers import read_header
from registry.checkpoints.llama import shape_of_config
from registry.checkpoints.params import parse_params
from registry.checkpoints.writing import files_for, index_of
from tests.support.shards import VOCAB_SIZE, meta_shards, params_of, random_llama, stored

PROMPT = torch.tensor([[1, 5, 300, 17, 250, 3, 44, 8]])


def write(
    folder: Path, conversion: Conversion, config: dict[str, Any], *, limit_bytes: int = 10**9
) -> Path:
    files = files_for(conversion.tensors, limit_bytes=limit_bytes)
    for file in files:
        file.write(folder / file.path)
    for name, data in index_of(files).items():
        (folder / name).write_bytes(data)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def convert(
    folder: Path, model: LlamaForCausalLM, count: int, *, limit_bytes: int = 10**9, **how: bool
) -> Path:
    params = parse_params(params_of(model), tokenizer_size=VOCAB_SIZE)
    shards = [stored(each) for each in meta_shards(model, count, **how)]
    conversion = from_meta(shards, shape=params.shape)
    config = config_of(params, dtype=conversion.dtype, is_tied=conversion.is_tied)
    return write(folder, conversion, config, limit_bytes=limit_bytes)


def logits(model: LlamaForCausalLM) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(PROMPT).logits
    return found


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("kv_heads", [8, 4])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_logits_are_those_of_the_original_to_the_bit(
    tmp_path: Path, count: int, kv_heads: int, dtype: torch.dtype
) -> None:
    original = random_llama(kv_heads=kv_heads, dtype=dtype)

    convert(tmp_path, original, count)

    loaded = LlamaForCausalLM.from_pretrained(tmp_path)
    assert loaded.dtype == dtype
    assert torch.equal(logits(loaded), logits(original))


@pytest.mark.parametrize("count", [2, 4])
def test_an_embedding_that_is_split_by_rows_is_put_together_by_rows(
    tmp_path: Path, count: int
) -> None:
    original = random_llama(kv_heads=4)

    convert(tmp_path, original, count, embedding_by_rows=True)

    loaded = LlamaForCausalLM.from_pretrained(tmp_path)
    assert torch.equal(logits(loaded), logits(original))


def test_the_stretched_rotation_of_later_models_is_understood(tmp_path: Path) -> None:
    stretched = {
        "rope_type": "llama3",
        "rope_theta": 500_000.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }
    original = random_llama(kv_heads=4, dtype=torch.bfloat16, rope_parameters=stretched)
    said = {"rope_theta": 500_000.0, "use_scaled_rope": True, "rope_scaling_factor": 8.0}
    params = parse_params({**params_of(original), **said}, tokenizer_size=VOCAB_SIZE)

    conversion = from_meta([stored(each) for each in meta_shards(original, 1)], shape=params.shape)
    config = config_of(params, dtype=conversion.dtype, is_tied=conversion.is_tied)
    write(tmp_path, conversion, config)

    loaded = LlamaForCausalLM.from_pretrained(tmp_path)
    assert loaded.config.rope_parameters == stretched
    assert torch.equal(logits(loaded), logits(original))


def test_every_bit_of_a_not_a_number_stays(tmp_path: Path) -> None:
    model = random_llama()
    every = torch.arange(-32768, 32768, dtype=torch.int32).to(torch.int16)
    weight = model.model.layers[0].mlp.gate_proj.weight
    weight.data = every[: weight.numel()].view(torch.float16).reshape(weight.shape)
    model.model.embed_tokens.weight.data[:4] = torch.nan

    convert(tmp_path, model, 2)

    found = load_file(tmp_path / "model.safetensors")
    for name, expected in model.state_dict().items():
        assert torch.equal(found[name].view(torch.int16), expected.view(torch.int16)), name


def test_parts_with_an_index_are_loaded_as_one(tmp_path: Path) -> None:
    original = random_llama()

    convert(tmp_path, original, 2, limit_bytes=60_000)

    parts = sorted(tmp_path.glob("model-*.safetensors"))
    assert len(parts) > 2
    assert all(file.name.endswith(f"-of-{len(parts):05}.safetensors") for file in parts)
    assert torch.equal(logits(LlamaForCausalLM.from_pretrained(tmp_path)), logits(original))


def test_tensors_of_several_precisions_keep_theirs_and_are_aligned(tmp_path: Path) -> None:
    model = random_llama(dtype=torch.bfloat16)
    model.model.norm.to(torch.float32)
    params = parse_params(params_of(model), tokenizer_size=VOCAB_SIZE)

    conversion = from_meta([stored(each) for each in meta_shards(model, 1)], shape=params.shape)
    write(tmp_path, conversion, {})

    header = read_header(tmp_path / "model.safetensors")
    assert conversion.dtype == "float32"
    assert {each.name: each.dtype for each in header.tensors}["model.norm.weight"] == "F32"
    assert all(each.begin % 8 == 0 for each in header.tensors)
    assert torch.equal(
        load_file(tmp_path / "model.safetensors")["model.norm.weight"], model.model.norm.weight
    )


def test_the_same_shards_give_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        convert(folder, random_llama(), 2)

    one, two = ((folder / "model.safetensors").read_bytes() for folder in folders)
    assert one == two


@pytest.mark.parametrize("is_tied", [False, True])
def test_a_bin_keeps_its_names_and_its_logits(tmp_path: Path, is_tied: bool) -> None:
    original = random_llama()
    if is_tied:
        original.config.tie_word_embeddings = True
        original.tie_weights()
    config = original.config.to_dict()
    tensors = stored(original.state_dict())

    conversion = from_bin(
        [tensors[:7], tensors[7:]], shape=shape_of_config(config), is_tied=is_tied
    )
    write(tmp_path, conversion, config)

    assert {each.name for each in conversion.tensors} == set(original.state_dict())
    assert torch.equal(logits(LlamaForCausalLM.from_pretrained(tmp_path)), logits(original))
