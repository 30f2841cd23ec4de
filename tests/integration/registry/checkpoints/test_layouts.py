from pathlib import Path

import pytest

from registry.checkpoints.layouts import DEFAULT_CONTEXT_TOKENS, inspect
from registry.errors import BadCheckpoint
from tests.support.checkpoints import LLAMA, make_checkpoint, make_sharded

PART = "model-00002-of-00002.safetensors"
INDEX = "model.safetensors.index.json"


def names(root: Path, files: tuple[Path, ...]) -> list[str]:
    return [file.relative_to(root).as_posix() for file in files]


def test_a_checkpoint_in_one_file_is_recognised(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path)

    layout = inspect(folder)

    assert layout.kind == "huggingface"
    assert names(folder, layout.files) == ["config.json", "model.safetensors", "tokenizer.model"]
    assert names(folder, layout.weight_files) == ["model.safetensors"]
    assert layout.config == LLAMA
    assert layout.context_tokens == 256


def test_a_checkpoint_in_parts_is_recognised(tmp_path: Path) -> None:
    folder = make_sharded(tmp_path)

    layout = inspect(folder)

    assert names(folder, layout.weight_files) == ["model-00001-of-00002.safetensors", PART]
    assert INDEX in names(folder, layout.files)


def test_hidden_files_and_caches_are_no_part_of_it_and_all_else_is(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path)
    for name in [".git/config", ".gitattributes", "__pycache__/a.pyc", "sub/.hidden", "sub/note"]:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("text")

    layout = inspect(folder)

    assert "sub/note" in names(folder, layout.files)
    assert len(layout.files) == 4


def test_a_configuration_that_names_no_context_has_the_default_one(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path)
    (folder / "config.json").write_text('{"model_type": "llama"}')

    layout = inspect(folder)

    assert layout.context_tokens == DEFAULT_CONTEXT_TOKENS


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path)
    (folder / "tokenizer.model").rename(folder / "spm.model")
    (folder / "tokenizer.model").symlink_to("spm.model")

    layout = inspect(folder)

    assert folder / "tokenizer.model" in layout.files


def make_cache(place: Path) -> Path:
    """Arrange a checkpoint as the Hugging Face cache does."""
    snapshot = make_checkpoint(place / "models--a--b" / "snapshots" / "0123")
    blobs = place / "models--a--b" / "blobs"
    blobs.mkdir()
    for number, file in enumerate(sorted(snapshot.iterdir())):
        file.rename(blobs / str(number))
        file.symlink_to(f"../../blobs/{number}")
    return snapshot


def test_a_snapshot_of_the_hugging_face_cache_is_recognised(tmp_path: Path) -> None:
    snapshot = make_cache(tmp_path)

    layout = inspect(snapshot)

    assert names(snapshot, layout.files) == ["config.json", "model.safetensors", "tokenizer.model"]


def test_the_cache_around_a_snapshot_is_refused_with_the_right_folder_named(tmp_path: Path) -> None:
    snapshot = make_cache(tmp_path)

    with pytest.raises(BadCheckpoint, match=f"did you mean {snapshot}"):
        inspect(snapshot.parent.parent)


def test_a_snapshot_does_not_link_to_anywhere_but_its_blobs(tmp_path: Path) -> None:
    snapshot = make_cache(tmp_path)
    (tmp_path / "secret").write_text("text")
    (snapshot / "note").symlink_to(tmp_path / "secret")

    with pytest.raises(BadCheckpoint, match="note is a link out of the folder"):
        inspect(snapshot)
