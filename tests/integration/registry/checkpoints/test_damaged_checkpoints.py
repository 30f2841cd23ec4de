import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from registry.checkpoints.layouts import inspect
from registry.errors import BadCheckpoint, PickledWeights
from tests.support.checkpoints import make_checkpoint, make_sharded, safetensors_bytes

ONE = "model-00001-of-00002.safetensors"
PART = "model-00002-of-00002.safetensors"
INDEX = "model.safetensors.index.json"
NOBODY = 65534


def emptied(folder: Path) -> Path:
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / ".hidden").touch()
    return folder


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "gone", "does not exist"),
        (lambda folder: folder / "config.json", "not a folder"),
        (emptied, "is empty"),
    ],
)
def test_what_is_no_folder_with_files_is_refused(
    tmp_path: Path, make: Callable[[Path], Path], says: str
) -> None:
    folder = make(make_checkpoint(tmp_path / "checkpoint"))

    with pytest.raises(BadCheckpoint, match=says):
        inspect(folder)


def write(name: str, content: str | bytes) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        data = content.encode() if isinstance(content, str) else content
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)

    return damage


def remove(*some: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        for name in some:
            (folder / name).unlink()

    return damage


def cut(name: str) -> Callable[[Path], None]:
    return lambda folder: os.truncate(folder / name, (folder / name).stat().st_size - 1)


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


def link_out(folder: Path) -> None:
    (folder.parent / "outside").write_text("text")
    (folder / "note").symlink_to("../outside")


def link_folder(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "more").symlink_to("sub")


def link_nowhere(folder: Path) -> None:
    (folder / "note").symlink_to("nowhere")


def link_loop(folder: Path) -> None:
    (folder / "note").symlink_to("note")


def backslash(folder: Path) -> None:
    (folder / "a\\b").write_text("text")


def not_unicode(folder: Path) -> None:
    (folder / os.fsdecode(b"\xff")).write_text("text")


def weight_map(**places: object) -> str:
    return json.dumps({"weight_map": places})


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
PAGE = "\n<!DOCTYPE html><html><head><title>Log in</title></head></html>"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (remove("config.json"), "has no config.json: name the folder"),
        (write("config.json", "{"), "config.json is not JSON"),
        (write("config.json", "[]"), "config.json is not a JSON object"),
        (write("config.json", '{"model_type": "gpt2"}'), "model_type 'gpt2'"),
        (write("config.json", "{}"), "model_type None"),
        (write("config.json", ""), "config.json is empty"),
        (
            write("config.json", '{"model_type": "llama", "max_position_embeddings": 0}'),
            "whole number from 1",
        ),
        (remove("model.safetensors"), "has no weights"),
        (remove("tokenizer.model"), "has no tokenizer"),
        (cut("model.safetensors"), "model.safetensors is cut short"),
        (write("model.safetensors", LFS), "Git LFS pointer.*git lfs pull"),
        (write("tokenizer.model", LFS), "tokenizer.model is a Git LFS pointer"),
        (write("model.safetensors", PAGE), "is a web page.*sign in"),
        (write("config.json", PAGE.lower()), "is a web page"),
        (write("tokenizer.model", ""), "tokenizer.model is empty"),
        (write("model.safetensors", safetensors_bytes({})), "holds no tensor"),
        (write("more.safetensors", safetensors_bytes({"c": [1]})), "part of no index"),
        (write("sub/a.safetensors", safetensors_bytes({"c": [1]})), "part of no index"),
        (write("model.safetensors.incomplete", "ab"), "unfinished download"),
        (write(INDEX, weight_map(a="model.safetensors")), "both"),
        (pipe, "pipe is not a regular file"),
        (link_out, "note is a link out of the folder"),
        (link_folder, "more is not a regular file"),
        (link_nowhere, "note is a link to nowhere, which is not there"),
        (link_loop, "note is a link to note, which is not there"),
        (backslash, "rename the file"),
        (not_unicode, "rename the file"),
    ],
)
def test_a_damaged_checkpoint_is_refused_with_what_it_is_and_what_to_do(
    tmp_path: Path, damage: Callable[[Path], None], says: str
) -> None:
    folder = make_checkpoint(tmp_path / "checkpoint")
    damage(folder)

    with pytest.raises(BadCheckpoint, match=says):
        inspect(folder)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (remove(PART), f"{PART} is missing, which {INDEX} names"),
        (remove(INDEX), "download the index"),
        (cut(PART), f"{PART} is cut short"),
        (write(INDEX, "{}"), "has no weight_map"),
        (write(INDEX, weight_map(a=ONE, b=ONE)), "part of no index"),
        (write(INDEX, weight_map(a=PART, b=ONE)), f"{PART} holds what .* into {ONE}.*swapped"),
        (write(INDEX, weight_map(a=ONE, b=PART, c=PART)), "lacks 'c'"),
        (write(INDEX, weight_map(a="../x.safetensors")), "puts 'a' into '../x.safetensors'"),
        (write(INDEX, weight_map(a=1)), "puts 'a' into 1"),
        (write(PART, safetensors_bytes({"b": [3], "c": [4]})), "holds 'c', of which"),
    ],
)
def test_parts_that_do_not_fit_their_index_are_refused(
    tmp_path: Path, damage: Callable[[Path], None], says: str
) -> None:
    folder = make_sharded(tmp_path / "checkpoint")
    damage(folder)

    with pytest.raises(BadCheckpoint, match=says):
        inspect(folder)


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "consolidated.00.pth", "a.pt", "A.CKPT", "original/b.pth"]
)
def test_pickles_beside_the_safetensors_are_to_be_moved_away(tmp_path: Path, name: str) -> None:
    folder = make_checkpoint(tmp_path)
    write(name, "pickle")(folder)

    with pytest.raises(PickledWeights, match=f"{name}.*move them out"):
        inspect(folder)


@pytest.fixture
def everybodys_folder() -> Iterator[Path]:
    """A checkpoint that any user may enter, inspected as one who may not do everything."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    folder = make_checkpoint(place / "checkpoint")
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(NOBODY)
    yield folder
    if was_root:
        os.seteuid(0)
    shutil.rmtree(place, ignore_errors=True)


def test_a_file_that_may_not_be_read_is_named(everybodys_folder: Path) -> None:
    owner = os.geteuid()
    os.seteuid(os.getuid())
    (everybodys_folder / "tokenizer.model").chmod(0)
    os.seteuid(owner)

    with pytest.raises(BadCheckpoint, match=r"tokenizer\.model cannot be read: Permission denied"):
        inspect(everybodys_folder)


def test_a_folder_inside_that_may_not_be_read_is_named(everybodys_folder: Path) -> None:
    owner = os.geteuid()
    os.seteuid(os.getuid())
    (everybodys_folder / "sub").mkdir(mode=0)
    os.seteuid(owner)

    with pytest.raises(BadCheckpoint, match="sub cannot be read: Permission denied"):
        inspect(everybodys_folder)
