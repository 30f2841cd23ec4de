"""What a folder is, asked on a machine with records and on one without."""

import hashlib
import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.integration.api.cli.conftest import Corral
from tests.support.llamas import Shape, write_llama

NAME = "owner/tiny"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small LLaMA."""
    return write_llama(tmp_path / "tiny")


@pytest.fixture
def registered(corral: Corral, folder: Path) -> Corral:
    """Records with that LLaMA as a release."""
    assert corral("release", "register", str(folder), "--name", NAME).exit_code == 0
    return corral


def write_catalogue(file: Path, files: dict[str, bytes]) -> Path:
    """Write a catalogue of one checkpoint."""
    lines = [
        f'    {{ path = "{path}", sha256 = "{hashlib.sha256(data).hexdigest()}" }},'
        for path, data in files.items()
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        'format = "corral-catalogue/1"\nsource = "our list"\n\n'
        '[[checkpoints]]\nname = "Tiny 13B"\nfiles = [\n' + "\n".join(lines) + "\n]\n"
    )
    return file


def test_the_folder_of_a_release_is_named(registered: Corral, folder: Path) -> None:
    result = registered("release", "identify", str(folder))
    report = json.loads(registered("release", "identify", str(folder), "--json").stdout)

    assert result.exit_code == 0
    assert f"{folder} is {NAME} (registered, digest {report['digest'][:12]})" in result.stdout
    assert (report["answer"], report["answers"][0]["name"]) == ("same_files", NAME)


def test_the_same_weights_in_other_files_are_named_with_the_root(
    registered: Corral, tmp_path: Path
) -> None:
    parts = write_llama(tmp_path / "parts", Shape(shards=2))
    shown = json.loads(registered("release", "show", NAME, "--json").stdout)

    result = registered("release", "identify", str(parts))
    report = json.loads(registered("release", "identify", str(parts), "--json").stdout)

    assert f"has the same weights as {NAME}" in result.stdout
    assert f"tensor root {shown['tensor_root']}" in result.stdout
    assert report["answer"] == "same_weights"
    assert report["tensor_root"] == shown["tensor_root"] is not None


def test_a_single_file_is_identified(registered: Corral, folder: Path) -> None:
    result = registered("release", "identify", str(folder / "model.safetensors"))

    assert result.exit_code == 0
    assert f"has the same weights as {NAME} (registered, " in result.stdout
    assert "in the same files\n  but config.json is missing" in result.stdout


def test_unknown_weights_are_an_answer_too(registered: Corral, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("nothing")

    result = registered("release", "identify", str(tmp_path / "other"))

    assert result.exit_code == 0
    assert "is unknown" in result.stdout


def test_without_records_the_catalogues_are_asked(bare: Corral, tmp_path: Path) -> None:
    files = {"consolidated.00.pth": b"one", "consolidated.01.pth": b"two", "params.json": b"{}"}
    (tmp_path / "13B").mkdir()
    for name, data in files.items():
        (tmp_path / "13B" / name).write_bytes(data)
    (tmp_path / "13B" / "consolidated.00.pth").write_bytes(b"damaged")
    ours = write_catalogue(tmp_path / "ours.toml", files)

    result = bare("release", "identify", str(tmp_path / "13B"), "--catalogue", str(ours))

    assert result.exit_code == 0
    assert (
        "is Tiny 13B (as published: our list) in part: shard 1 of 2 (consolidated.00.pth) differs"
        in result.stdout
    )
    assert "compared with catalogues alone" in result.stdout
    assert not (tmp_path / "data").exists()


def test_catalogues_in_the_operators_folder_are_asked(
    corral: Corral, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_catalogue(tmp_path / "data" / "catalogues" / "a.toml", {"a.bin": b"a"})
    write_catalogue(tmp_path / "elsewhere" / "b.toml", {"b.bin": b"b"})
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.bin").write_bytes(b"a")
    (tmp_path / "x" / "b.bin").write_bytes(b"b")

    by_default = json.loads(corral("release", "identify", str(tmp_path / "x"), "--json").stdout)
    monkeypatch.setenv("CORRAL_CATALOGUE_DIR", str(tmp_path / "elsewhere"))
    as_set = json.loads(corral("release", "identify", str(tmp_path / "x"), "--json").stdout)

    assert [each["files"]["same"] for each in by_default["answers"]] == [["a.bin"]]
    assert [each["files"]["same"] for each in as_set["answers"]] == [["b.bin"]]


def test_a_bad_catalogue_is_one_line(bare: Corral, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("nothing = 1")
    (tmp_path / "x").mkdir()

    result = bare(
        "release", "identify", str(tmp_path / "x"), "--catalogue", str(tmp_path / "bad.toml")
    )

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: bad.toml is no catalogue: at ")
    assert result.stderr.count("\n") == 1


def test_verifying_an_old_release_gives_it_its_tensor_root(
    registered: Corral, tmp_path: Path
) -> None:
    before = json.loads(registered("release", "show", NAME, "--json").stdout)
    engine = create_engine(f"sqlite:///{tmp_path / 'data' / 'corral.db'}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE releases SET tensor_root = NULL, tensor_root_bf16 = NULL"))
        connection.execute(text("DELETE FROM release_tensors"))
    engine.dispose()

    assert registered("release", "verify", NAME).exit_code == 0

    after = json.loads(registered("release", "show", NAME, "--json").stdout)
    assert after["tensor_root"] == before["tensor_root"] is not None
