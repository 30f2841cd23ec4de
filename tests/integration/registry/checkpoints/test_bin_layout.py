"""Hugging Face's layout with pickled weights, written by ``torch.save``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from registry.checkpoints.layouts import inspect
from registry.errors import BadCheckpoint, PickledWeights, RefusedPickle
from tests.support.checkpoints import make_checkpoint

SINGLE, INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
ONE, PART = "pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"
TENSORS = {"a": torch.tensor([1, 2]), "b": torch.tensor([3])}


def make_bin(folder: Path) -> Path:
    make_checkpoint(folder)
    (folder / "model.safetensors").unlink()
    torch.save(TENSORS, folder / SINGLE)
    return folder


def make_parts(folder: Path) -> Path:
    make_bin(folder)
    (folder / SINGLE).unlink()
    torch.save({"a": TENSORS["a"]}, folder / ONE)
    torch.save({"b": TENSORS["b"]}, folder / PART)
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": ONE, "b": PART}}))
    return folder


def names(files: tuple[Path, ...]) -> list[str]:
    return [file.name for file in files]


def test_pickled_weights_in_one_file_are_recognised(tmp_path: Path) -> None:
    layout = inspect(make_bin(tmp_path))

    assert (layout.kind, layout.is_pickled) == ("huggingface", True)
    assert names(layout.weight_files) == [SINGLE]


def test_pickled_weights_in_parts_are_recognised(tmp_path: Path) -> None:
    layout = inspect(make_parts(tmp_path))

    assert (layout.kind, layout.is_pickled) == ("huggingface", True)
    assert names(layout.weight_files) == [ONE, PART]
    assert INDEX in names(layout.files)


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def write(name: str, content: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / name).write_text(content)

    return damage


def swap(folder: Path) -> None:
    (folder / ONE).rename(folder / "between")
    (folder / PART).rename(folder / ONE)
    (folder / "between").rename(folder / PART)


def save(name: str, *tensors: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        torch.save(dict.fromkeys(tensors, TENSORS["a"]), folder / name)

    return damage


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (remove(PART), f"{PART} is missing, which {INDEX} names"),
        (remove(INDEX), f"neither {SINGLE} nor {INDEX}: download the index"),
        (save(SINGLE, "a"), f"both {SINGLE} and {INDEX} are there"),
        (swap, f"{ONE} holds what {INDEX} puts into {PART}: the two are swapped"),
        (save(PART, "a", "b"), f"{PART} holds 'a', of which {INDEX} says nothing"),
        (save(PART, "c"), f"{PART} lacks 'b'"),
        (save(PART), f"{PART} holds no tensor"),
        (write(PART, "<html>"), f"{PART} is a web page"),
        (save("training_args.bin", "a"), "training_args.bin is part of no index"),
    ],
)
def test_pickled_parts_that_do_not_fit_their_index_are_refused(
    tmp_path: Path, damage: Callable[[Path], None], says: str
) -> None:
    folder = make_parts(tmp_path)
    damage(folder)

    with pytest.raises(BadCheckpoint, match=says):
        inspect(folder)


def test_a_missing_part_is_told_from_a_download_that_did_not_end(tmp_path: Path) -> None:
    folder = make_parts(tmp_path / "models--a--b" / "snapshots" / "0123")
    (folder / PART).unlink()
    unfinished = folder.parent.parent / "blobs" / "0f.incomplete"
    unfinished.parent.mkdir()
    unfinished.write_text("half")

    with pytest.raises(BadCheckpoint, match=f"{PART} is missing.*{unfinished} is a part of"):
        inspect(folder)


def test_a_link_to_an_unfinished_download_is_named_as_one(tmp_path: Path) -> None:
    folder = make_bin(tmp_path / "models--a--b" / "snapshots" / "0123")
    unfinished = folder.parent.parent / "blobs" / "0f.incomplete"
    unfinished.parent.mkdir()
    (folder / SINGLE).rename(unfinished)
    (folder / SINGLE).symlink_to(unfinished)

    with pytest.raises(BadCheckpoint, match=f"{SINGLE} is a link to an unfinished download"):
        inspect(folder)


def test_pickled_weights_with_more_than_tensors_are_refused(tmp_path: Path) -> None:
    folder = make_bin(tmp_path)
    torch.save({"a": Path("gone")}, folder / SINGLE)

    with pytest.raises(RefusedPickle, match=f"{SINGLE} was refused, and nothing in it was run"):
        inspect(folder)


def test_an_optimizer_beside_the_weights_is_to_be_moved_away(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path)
    torch.save(TENSORS, folder / "optimizer.pt")

    with pytest.raises(PickledWeights, match=r"optimizer\.pt.*move them out"):
        inspect(folder)
