"""Which folders have the very weights that are known."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from registry.checkpoints.identify import Known
from registry.checkpoints.likeness import Kind
from tests.support.ggufs import write_gguf, write_quantised
from tests.support.meta import MetaLlama, whole_tensors, write_meta
from tests.support.published import (
    MODEL,
    cast,
    huggingface_tensors,
    identified,
    known_of,
    write_huggingface,
)


def test_the_same_files_are_the_release(copy: Path, known: Known) -> None:
    identity = identified(copy, known)

    [answer] = identity.answers
    assert (answer.kind, answer.known) == (Kind.SAME_FILES, known)
    assert identity.manifest.digest == known.digest


def test_a_file_beside_the_same_files_is_named(copy: Path, known: Known) -> None:
    (copy / "notes.txt").write_text("mine")

    [answer] = identified(copy, known).answers

    assert (answer.kind, answer.files.extra) == (Kind.SAME_FILES, ("notes.txt",))


def test_the_same_weights_files_are_the_same_weights_without_the_others(
    copy: Path, known: Known
) -> None:
    (copy / "config.json").unlink()

    [answer] = identified(copy, known).answers

    assert (answer.kind, answer.files.missing[0]) == (Kind.SAME_WEIGHTS, "config.json")


@pytest.mark.parametrize("shards", [1, 2, 4])
def test_metas_shards_are_the_same_weights(tmp_path: Path, known: Known, shards: int) -> None:
    meta = write_meta(tmp_path / "meta", MetaLlama(generation=2, dim=256, shards=shards))

    [answer] = identified(meta, known).answers

    assert (answer.kind, answer.tensors and answer.tensors.remark) == (Kind.SAME_WEIGHTS, "")


def test_shards_that_are_views_of_one_storage_are_the_same_weights(
    tmp_path: Path, known: Known
) -> None:
    meta = write_meta(tmp_path / "meta", MetaLlama(generation=2, dim=256, shards=2, views=True))

    assert identified(meta, known).kind is Kind.SAME_WEIGHTS


def test_a_llama_3_whose_shards_split_the_embedding_by_rows_is_the_same_weights(
    tmp_path: Path,
) -> None:
    model = MetaLlama(generation=3, shards=2, dtype=torch.bfloat16)
    folder = write_huggingface(tmp_path / "hf", model, huggingface_tensors(model))

    identity = identified(write_meta(tmp_path / "meta", model), known_of(folder))

    assert identity.kind is Kind.SAME_WEIGHTS


def test_parts_with_an_index_are_the_same_weights(tmp_path: Path, known: Known) -> None:
    parts = write_huggingface(
        tmp_path / "parts", MODEL, huggingface_tensors(MODEL), shard_bytes=200_000
    )

    identity = identified(parts, known)

    assert len(list(parts.glob("model-*.safetensors"))) > 1
    assert identity.kind is Kind.SAME_WEIGHTS


def test_pickles_of_hugging_faces_layout_are_the_same_weights(copy: Path, known: Known) -> None:
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()

    assert identified(copy, known).kind is Kind.SAME_WEIGHTS


def test_a_rounded_copy_is_the_same_after_bfloat16(tmp_path: Path, known: Known) -> None:
    rounded = write_huggingface(
        tmp_path / "x", MODEL, cast(huggingface_tensors(MODEL), torch.bfloat16)
    )

    [answer] = identified(rounded, known).answers

    assert answer.kind is Kind.SAME_AFTER_BF16
    assert answer.tensors is not None
    assert answer.tensors.remark == "F16 became BF16"


def test_a_copy_stored_wider_is_the_same_without_rounding(tmp_path: Path, known: Known) -> None:
    wider = write_huggingface(
        tmp_path / "x", MODEL, cast(huggingface_tensors(MODEL), torch.float32)
    )

    [answer] = identified(wider, known).answers

    assert answer.kind is Kind.SAME_WEIGHTS
    assert answer.tensors is not None
    assert answer.tensors.remark == "F16 became F32, without rounding"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_gguf_file_is_the_same_weights(tmp_path: Path, dtype: torch.dtype) -> None:
    model = MetaLlama(generation=2, dtype=dtype)
    folder = write_huggingface(tmp_path / "hf", model, huggingface_tensors(model))
    write_gguf(tmp_path / "gguf" / "x.gguf", whole_tensors(model), heads=model.heads)

    [answer] = identified(tmp_path / "gguf", known_of(folder)).answers

    assert answer.kind is Kind.SAME_WEIGHTS


def test_a_quantised_file_says_so_and_shares_what_is_not_quantised(
    tmp_path: Path,
) -> None:
    tensors = {
        name: torch.arange(each.numel()).to(each.dtype) if each.dim() == 1 else each
        for name, each in whole_tensors(MODEL).items()
    }
    folder = write_huggingface(tmp_path / "hf", MODEL, huggingface_tensors(MODEL, tensors))
    (tmp_path / "q").mkdir()
    write_quantised(tmp_path / "q" / "q.gguf", tensors, heads=MODEL.heads)

    identity = identified(tmp_path / "q", known_of(folder))

    norms = sum(each.dim() == 1 for each in tensors.values())
    [answer] = identity.answers
    assert answer.kind is Kind.SHARES
    assert answer.tensors is not None
    assert (answer.tensors.shared, answer.tensors.of) == (norms, norms)
    assert "is quantised" in identity.notes[0]
