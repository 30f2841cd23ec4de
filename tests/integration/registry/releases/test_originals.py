"""Pickled originals are kept as they are, and what is served is made of them."""

import base64
import errno
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from registry.checkpoints.digest import FileDigest
from registry.checkpoints.layouts import inspect
from registry.checkpoints.stored import read_safetensors
from registry.checkpoints.tokenizer import load_tokenizer
from registry.errors import BadCheckpoint, ChecksumMismatch, CorralError, NotEnoughDisk
from registry.releases.intake import work_bytes
from registry.releases.originals import take_in
from registry.releases.store import Store
from tests.support.llamas import load_folder
from tests.support.meta import MetaLlama, write_meta
from tests.support.shards import random_llama
from workers.generation.loading import load_release


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


def objects(store: Store) -> set[str]:
    return {path.name for path in store.root.rglob("*") if path.is_file()}


def write_bin(folder: Path) -> Path:
    """Write a LLaMA as transformers once saved them."""
    model = random_llama()
    write_meta(folder)  # for its tokenizer
    for file in folder.iterdir():
        if file.name != "tokenizer.model":
            file.unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps(model.config.to_dict()))
    return folder


@pytest.mark.parametrize("generation", [1, 2, 3])
def test_metas_shards_become_files_that_a_worker_loads(
    store: Store, tmp_path: Path, generation: int
) -> None:
    model = MetaLlama(generation=generation, shards=2, views=True)  # type: ignore[arg-type]
    layout = inspect(write_meta(tmp_path / "meta", model))

    served = take_in(store, layout).manifest

    loaded = load_release(served, expected_digest=served.digest, path_of=store.path_of)
    assert {each.path for each in served.files} == {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.model",
    }
    assert loaded.model.dtype == model.dtype
    assert loaded.context_tokens == layout.context_tokens == {1: 2048, 2: 4096, 3: 8192}[generation]


def test_a_bin_becomes_the_same_tensors_under_the_same_names(store: Store, tmp_path: Path) -> None:
    folder = write_bin(tmp_path / "bin")
    expected = torch.load(folder / "pytorch_model.bin", weights_only=True)

    derived = take_in(store, inspect(folder))

    evidence, served = derived.evidence, derived.manifest
    found = read_safetensors(store.entry_path(served, "model.safetensors"))
    assert {each.name: each.bits.tobytes() for each in found} == {
        name: each.view(torch.int16).numpy().tobytes() for name, each in expected.items()
    }
    assert derived.layout == "huggingface"
    assert "pytorch_model.bin" in evidence.by_path
    assert served.by_path["config.json"] == evidence.by_path["config.json"]


def test_progress_ends_about_where_it_was_said_to(store: Store, tmp_path: Path) -> None:
    folder = write_meta(tmp_path / "meta", MetaLlama(shards=2))
    seen: list[int] = []

    take_in(store, inspect(folder), progress=seen.append)

    assert sum(seen) == pytest.approx(work_bytes(folder), rel=0.1)


def test_an_export_is_loaded_from_a_folder(store: Store, tmp_path: Path) -> None:
    served = take_in(store, inspect(write_meta(tmp_path / "meta", MetaLlama(shards=4)))).manifest

    store.materialise(served, tmp_path / "exported")

    assert load_folder(tmp_path / "exported").model.dtype == torch.float16


def test_the_tokenizer_of_llama_3_is_served_as_it_came(store: Store, tmp_path: Path) -> None:
    folder = write_meta(tmp_path / "meta", MetaLlama(generation=3))
    data = b"".join(b"%s %d\n" % (base64.b64encode(bytes([byte])), byte) for byte in range(256))
    (folder / "tokenizer.model").write_bytes(data)

    served = take_in(store, inspect(folder)).manifest

    kept = store.entry_path(served, "tokenizer.model")
    assert load_tokenizer(kept).encode("ab")[1:] == [97, 98]


def spoil_by_config(folder: Path) -> None:
    (folder / "config.json").write_text("{}")


def spoil_by_params(folder: Path) -> None:
    params = json.loads((folder / "params.json").read_text())
    (folder / "params.json").write_text(json.dumps({**params, "moe_args": {}}))


def spoil_by_tokenizer(folder: Path) -> None:
    params = json.loads((folder / "params.json").read_text())
    (folder / "params.json").write_text(json.dumps({**params, "vocab_size": 320}))
    (folder / "tokenizer.model").write_bytes(b"IQ== 0\nIg== 1\n")


def spoil_by_tensor(folder: Path) -> None:
    file = folder / "consolidated.00.pth"
    torch.save({**torch.load(file, weights_only=True), "lora.weight": torch.zeros(2)}, file)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (spoil_by_config, "move it out"),
        (spoil_by_params, "'moe_args', which Corral does not know"),
        (spoil_by_tokenizer, r"put the tokenizer\.json beside it"),
        (spoil_by_tensor, r"lora\.weight"),
    ],
)
def test_what_cannot_be_converted_is_refused_before_anything_is_copied(
    store: Store, tmp_path: Path, spoil: Callable[[Path], None], why: str
) -> None:
    folder = write_meta(tmp_path / "meta")
    spoil(folder)

    with pytest.raises(BadCheckpoint, match=why):
        take_in(store, inspect(folder))

    assert not store.root.exists()


def full_while_converting(monkeypatch: pytest.MonkeyPatch) -> type[CorralError]:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("registry.releases.originals._write_small", full)
    return NotEnoughDisk


def full_from_the_start(monkeypatch: pytest.MonkeyPatch) -> type[CorralError]:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=1000))
    return NotEnoughDisk


@pytest.mark.parametrize("fill", [full_while_converting, full_from_the_start])
def test_a_full_disk_leaves_neither_originals_nor_safetensors(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fill: Callable[[pytest.MonkeyPatch], type[CorralError]],
) -> None:
    layout = inspect(write_meta(tmp_path / "meta"))
    expected = fill(monkeypatch)

    with pytest.raises(expected):
        take_in(store, layout)

    assert not objects(store)


def test_originals_with_other_checksums_leave_nothing(store: Store, tmp_path: Path) -> None:
    layout = inspect(write_meta(tmp_path / "meta"))
    seen: list[FileDigest] = []

    def refuse(digests: object) -> None:
        assert isinstance(digests, list)
        seen.extend(digests)
        raise ChecksumMismatch("not these")

    with pytest.raises(ChecksumMismatch):
        take_in(store, layout, md5=True, check=refuse)

    assert {each.path for each in seen if each.md5} == {each.name for each in layout.files}
    assert not objects(store)


CRASH = """
import os, sys
from pathlib import Path
from registry.checkpoints.layouts import inspect
from registry.releases.originals import take_in
from registry.releases.store import Store
left = int(sys.argv[3])
def count(done):
    global left
    left -= done
    if left < 0:
        os._exit(9)
take_in(Store(Path(sys.argv[2])), inspect(Path(sys.argv[1])), progress=count)
"""


@pytest.mark.parametrize("share", [0.1, 0.6, 0.9])
def test_a_crash_at_any_point_leaves_drafts_only(
    store: Store, tmp_path: Path, share: float
) -> None:
    folder = write_meta(tmp_path / "meta", MetaLlama(shards=2))
    limit = str(int(share * work_bytes(folder)))

    crashed = subprocess.run([sys.executable, "-c", CRASH, folder, store.root, limit], check=False)

    left = [path.relative_to(store.root).parts[0] for path in store.root.rglob("*")]
    assert crashed.returncode == 9
    assert set(left) == {"incoming"}
    assert store.sweep_temp(older_than_seconds=0) == 1
    assert not objects(store)
