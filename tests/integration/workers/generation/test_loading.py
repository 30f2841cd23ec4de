"""Only verified bytes become a model."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from registry.checkpoints.manifest import FileEntry, Manifest
from registry.errors import BadCheckpoint, Unavailable
from tests.support.llamas import Shape, describe, load_folder, write_llama
from workers.generation.loading import load_release
from workers.generation.reading import TamperedRelease

WEIGHTS = "model.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_llama(tmp_path)


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def edit(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("name", [WEIGHTS, "config.json", "tokenizer.model"])
def test_one_changed_bit_is_refused_with_the_file_and_both_digests(folder: Path, name: str) -> None:
    manifest, path_of = describe(folder)
    flip(folder / name, -1)

    with pytest.raises(TamperedRelease, match=name) as refusal:
        load_release(manifest, expected_digest=manifest.digest, path_of=path_of)

    found = {entry.path: entry.sha256 for entry in describe(folder)[0].files}
    assert refusal.value.facts == {
        "file": name,
        "expected": manifest.by_path[name].sha256,
        "found": found[name],
    }


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"\0"])
def test_a_file_of_another_length_is_refused(folder: Path, change: Any) -> None:
    manifest, path_of = describe(folder)
    (folder / WEIGHTS).write_bytes(change((folder / WEIGHTS).read_bytes()))

    with pytest.raises(TamperedRelease):
        load_release(manifest, expected_digest=manifest.digest, path_of=path_of)


def test_another_manifest_is_refused_before_anything_is_read(folder: Path) -> None:
    manifest, _ = describe(folder)
    other = Manifest((*manifest.files, FileEntry("README.md", 1, "0" * 64)))

    def never(sha256: str) -> Path:
        raise AssertionError(sha256)

    with pytest.raises(TamperedRelease, match="the manifest"):
        load_release(other, expected_digest=manifest.digest, path_of=never)


def test_no_path_is_looked_up_twice(folder: Path) -> None:
    manifest, path_of = describe(folder)
    asked: list[str] = []

    def once(sha256: str) -> Path:
        asked.append(sha256)
        return path_of(sha256)

    load_release(manifest, expected_digest=manifest.digest, path_of=once)

    assert sorted(asked) == sorted(entry.sha256 for entry in manifest.files)


def test_progress_counts_every_byte(folder: Path) -> None:
    manifest, path_of = describe(folder)
    counted: list[int] = []

    load_release(
        manifest, expected_digest=manifest.digest, path_of=path_of, progress=counted.append
    )

    assert sum(counted) == manifest.total_bytes


def test_a_file_that_is_gone_is_no_tampering(folder: Path) -> None:
    manifest, path_of = describe(folder)
    (folder / WEIGHTS).unlink()

    with pytest.raises(Unavailable, match=WEIGHTS):
        load_release(manifest, expected_digest=manifest.digest, path_of=path_of)


def test_the_ends_of_all_three_files_end_a_text(folder: Path) -> None:
    edit(folder, eos_token_id=[5, 6])
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": 7}))

    assert load_folder(folder).eos_ids == {2, 5, 6, 7}


def rewrite(folder: Path, **changes: torch.Tensor | None) -> None:
    tensors = {**load_file(folder / WEIGHTS), **changes}
    save_file({name: each for name, each in tensors.items() if each is not None}, folder / WEIGHTS)


NORM = "model.norm.weight"
HEAD = "lm_head.weight"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({NORM: None}, "lack"),
        ({"model.extra.weight": torch.zeros(3)}, "no place"),
        ({NORM: torch.zeros(3)}, "shape"),
        ({NORM: torch.zeros(32, dtype=torch.int8)}, "int8"),
        ({HEAD: torch.zeros(320, 32, dtype=torch.bfloat16)}, "another one"),
    ],
)
def test_tensors_that_do_not_fit_the_configuration_are_named(
    folder: Path, changes: dict[str, torch.Tensor | None], says: str
) -> None:
    rewrite(folder, **changes)

    with pytest.raises(BadCheckpoint, match=says) as refusal:
        load_folder(folder)

    assert next(iter(changes)) in str(refusal.value) or HEAD in changes


def test_an_output_head_that_is_the_embedding_may_be_stored_too(folder: Path) -> None:
    embedding = load_file(folder / WEIGHTS)["model.embed_tokens.weight"]
    rewrite(folder, **{HEAD: embedding.clone()})

    model = load_folder(folder).model

    assert model.lm_head.weight is model.model.embed_tokens.weight


def test_rotations_stored_by_old_versions_are_computed_instead(folder: Path) -> None:
    rewrite(folder, **{"model.layers.0.self_attn.rotary_emb.inv_freq": torch.zeros(4)})

    assert load_folder(folder).model.model.rotary_emb.inv_freq[0].item() == 1.0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}}, "dynamic"),
        ({"num_attention_heads": "many"}, "config.json"),
        ({"vocab_size": 8}, "shape"),
    ],
)
def test_a_configuration_that_we_cannot_run_is_refused(
    folder: Path, changes: dict[str, Any], says: str
) -> None:
    edit(folder, **changes)

    with pytest.raises(BadCheckpoint, match=says):
        load_folder(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.model"])
def test_a_release_without_a_file_that_it_needs_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()

    with pytest.raises(BadCheckpoint, match=name):
        load_folder(folder)


def test_two_parts_with_one_tensor_are_refused(tmp_path: Path) -> None:
    folder = write_llama(tmp_path, Shape(shards=2))
    save_file({NORM: torch.zeros(32)}, folder / "model-00003-of-00003.safetensors")

    with pytest.raises(BadCheckpoint, match="another file"):
        load_folder(folder)
