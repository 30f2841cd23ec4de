"""Real files from torch.save, in Meta's layout, right and damaged in the ways people meet."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
import torch

from registry.checkpoints.layouts import inspect
from registry.errors import BadCheckpoint, RefusedPickle
from tests.support.llamas import VOCAB_SIZE, tokenizer_model
from tests.support.meta import MetaLlama, shard_tensors, write_meta


@pytest.mark.parametrize("shards", [1, 2, 4, 8])
@pytest.mark.parametrize("generation", [1, 2, 3])
def test_metas_layout_is_recognised_whatever_the_generation_and_the_number_of_shards(
    tmp_path: Path, generation: Literal[1, 2, 3], shards: int
) -> None:
    model = MetaLlama(generation=generation, shards=shards)
    folder = write_meta(tmp_path, model)

    layout = inspect(folder)

    assert (layout.kind, layout.is_pickled) == ("meta", True)
    assert layout.shape == model.shape
    assert [file.name for file in layout.weight_files] == [
        f"consolidated.{number:02}.pth" for number in range(shards)
    ]
    assert {file.name for file in layout.files} == {file.name for file in folder.iterdir()}
    assert layout.context_tokens == {1: 2048, 2: 4096, 3: 8192}[generation]
    assert layout.params is not None
    assert layout.params.embedding_by_rows == (generation == 3)


def test_a_vocabulary_that_params_leave_open_is_the_tokenizers(tmp_path: Path) -> None:
    folder = write_meta(tmp_path, MetaLlama(nested=True))

    layout = inspect(folder)

    assert layout.config["model"]["vocab_size"] == -1
    assert layout.shape.vocab_size == VOCAB_SIZE


def test_the_tokenizer_one_folder_up_is_to_be_copied(tmp_path: Path) -> None:
    folder = write_meta(tmp_path / "7B", tokenizer=False)
    (tmp_path / "tokenizer.model").write_bytes(tokenizer_model())

    with pytest.raises(BadCheckpoint, match=f"one folder up.*cp {tmp_path}/tokenizer.model"):
        inspect(folder)


def test_the_folder_around_the_checkpoints_is_refused_with_the_right_ones_named(
    tmp_path: Path,
) -> None:
    for name in ("7B", "13B"):
        write_meta(tmp_path / name)
    (tmp_path / "13B" / SHARD).write_bytes(b"")  # What is wrong inside is not asked yet.

    with pytest.raises(BadCheckpoint, match=f"did you mean {tmp_path}/13B or {tmp_path}/7B"):
        inspect(tmp_path)


def rename(name: str, to: str, *, also_gone: str | None = None) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / name).rename(folder / to)
        if also_gone is not None:
            (folder / also_gone).unlink()

    return damage


def copy(name: str, to: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        shutil.copy(folder / name, folder / to)

    return damage


def remove(*some: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        for name in some:
            (folder / name).unlink()

    return damage


def write(name: str, content: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / name).write_text(content)

    return damage


def cut(name: str, kept: float) -> Callable[[Path], None]:
    return lambda folder: os.truncate(folder / name, int(kept * (folder / name).stat().st_size))


PAGE = "<!DOCTYPE html>\n<html><head><title>Log in to Facebook</title></head></html>\n"
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:700df0d3\nsize 13476939516\n"
EXPIRED = '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'
SHARD, LAST, CHECKLIST = "consolidated.00.pth", "consolidated.01.pth", "checklist.chk"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (write(SHARD, PAGE), f"{SHARD} is a web page, probably of a sign-in: sign in"),
        (write(CHECKLIST, PAGE), "checklist.chk is a web page"),
        (write(CHECKLIST, "\ufeff" + PAGE), "checklist.chk is a web page"),
        (write(SHARD, LFS), "Git LFS pointer.*git lfs pull"),
        (write(SHARD, EXPIRED), "a server's error, not weights.*AccessDenied.*fresh"),
        (write(SHARD, '{"error": "not found"}'), "a server's error, not weights"),
        (write(SHARD, ""), f"{SHARD} is empty: download it again"),
        (write(CHECKLIST, ""), "checklist.chk is empty"),
        (cut(SHARD, 0.5), f"{SHARD} is cut short.*continue the download"),
        (cut(SHARD, 0.99), f"{SHARD} is cut short"),
        (rename(LAST, LAST + ".incomplete"), "unfinished download"),
        (remove(LAST), f"{LAST} is missing, which checklist.chk lists: download it"),
        (remove(CHECKLIST, SHARD), f"{SHARD} is missing, and {LAST} is there"),
        (
            rename(LAST, "consolidated.03.pth", also_gone=CHECKLIST),
            f"{LAST} is missing, and consolidated.03.pth is there: download it",
        ),
        (copy(LAST, "consolidated.01 (1).pth"), "second download of a shard"),
        (copy(LAST, LAST + ".1"), "second download of a shard"),
        (copy(LAST, "other.pth"), "other.pth is a pickle and none of the shards"),
        (remove("params.json"), "params.json is missing, which checklist.chk lists"),
        (remove("params.json", CHECKLIST), "shards and no params.json"),
        (write(CHECKLIST, "404: Not Found\n"), "checklist.chk has no line of a checksum"),
        (write("params.json", "{}"), "makes no LLaMA .dim is missing"),
        (write("params.json", "{"), "params.json is not JSON"),
        (remove("tokenizer.model"), "has no tokenizer: add tokenizer.model"),
        (write("tokenizer.model", "text"), "get tokenizer.model again"),
    ],
)
def test_a_damaged_download_is_refused_with_what_it_is_and_what_to_do(
    tmp_path: Path, damage: Callable[[Path], None], says: str
) -> None:
    folder = write_meta(tmp_path / "13B", MetaLlama(shards=2))
    damage(folder)

    with pytest.raises(BadCheckpoint, match=says):
        inspect(folder)


def without_checklist(folder: Path) -> Path:
    (folder / CHECKLIST).unlink()
    return folder


def test_a_missing_last_shard_is_told_without_a_checklist(tmp_path: Path) -> None:
    folder = without_checklist(write_meta(tmp_path, MetaLlama(shards=4)))
    (folder / "consolidated.03.pth").unlink()

    with pytest.raises(BadCheckpoint, match=r"4 shards, and 3 of them are here: .*consolidated.03"):
        inspect(folder)


def test_a_shard_saved_under_two_names_is_told_without_reading_it(tmp_path: Path) -> None:
    folder = without_checklist(write_meta(tmp_path, MetaLlama(shards=2)))
    shutil.copy(folder / SHARD, folder / LAST)

    with pytest.raises(BadCheckpoint, match=f"{SHARD} and {LAST} hold the same tensors"):
        inspect(folder)


def test_swapped_shards_are_told_by_what_torch_called_them(tmp_path: Path) -> None:
    folder = without_checklist(write_meta(tmp_path, MetaLlama(shards=2)))
    (folder / SHARD).rename(folder / "between")
    (folder / LAST).rename(folder / SHARD)
    (folder / "between").rename(folder / LAST)

    with pytest.raises(BadCheckpoint, match=f"{SHARD} was written as {LAST}: shards are swapped"):
        inspect(folder)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"dim": 256, "n_heads": 32}, r"tok_embeddings\.weight of 320x128, .*makes it 320x256"),
        ({"n_layers": 3}, r"lacks layers\.2\.attention\.wq\.weight"),
        ({"n_layers": 1}, r"holds layers\.1\.attention"),
        ({"multiple_of": 256}, r"w1\.weight of 352x128, .*feed-forward 512\) makes it 512x128"),
        ({"n_kv_heads": 8}, r"wk\.weight of 128x128, .*8 for keys and values\) makes it 64x128"),
        ({"vocab_size": 32000}, r"tok_embeddings\.weight of 320x128, .*32000 tokens"),
    ],
)
def test_sizes_that_do_not_fit_params_are_named(
    tmp_path: Path, changes: dict[str, int], says: str
) -> None:
    model = MetaLlama()
    folder = without_checklist(write_meta(tmp_path, model))
    (folder / "params.json").write_text(json.dumps(model.params | changes))

    with pytest.raises(BadCheckpoint, match=f"{SHARD} .*{says}"):
        inspect(folder)


def test_shards_whose_tensors_share_a_storage_are_as_good(tmp_path: Path) -> None:
    model = MetaLlama(generation=2, shards=2, views=True)
    folder = write_meta(tmp_path, model)

    layout = inspect(folder)

    assert layout.shape == model.shape
    for number, file in enumerate(layout.weight_files):
        loaded = torch.load(file, weights_only=True)
        assert all(loaded[name].equal(each) for name, each in shard_tensors(model, number).items())


def test_a_shard_with_code_in_it_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    folder = without_checklist(write_meta(tmp_path))
    torch.save({"tok_embeddings.weight": Path("gone")}, folder / SHARD)

    with pytest.raises(RefusedPickle, match=f"{SHARD} was refused, and nothing in it was run"):
        inspect(folder)


def test_params_without_shards_are_refused(tmp_path: Path) -> None:
    (tmp_path / "params.json").write_text(json.dumps(MetaLlama().params))

    with pytest.raises(BadCheckpoint, match=r"no consolidated.00.pth: download the shards"):
        inspect(tmp_path)
