"""A folder is recognised by the hashes of its files alone."""

import hashlib
from pathlib import Path

import pytest

from registry.checkpoints.identify import Known
from registry.checkpoints.known import catalogues_in
from registry.checkpoints.likeness import Kind
from registry.errors import BadCatalogue
from tests.support.published import identified

FILES = {
    "consolidated.00.pth": b"first shard",
    "consolidated.01.pth": b"second shard",
    "params.json": b'{"dim": 5120}',
}
TOKENIZER = {"tokenizer.model": b"pieces"}


def published(name: str, files: dict[str, bytes]) -> Known:
    return Known(
        name, "a test", {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    )


LARGE = published("Tiny 13B", FILES)
PIECES = published("Tiny tokenizer", TOKENIZER)
OTHER = published("Tiny 7B", {"consolidated.00.pth": b"only shard", "params.json": b"{}"})
KNOWN = (OTHER, LARGE, PIECES)


def write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        (folder / path).write_bytes(data)
    return folder


def test_a_complete_folder_is_recognised_with_the_tokenizer_beside_it(tmp_path: Path) -> None:
    answers = identified(write(tmp_path / "x", FILES | TOKENIZER), *KNOWN).answers

    assert {(each.known.name, each.kind) for each in answers} == {
        ("Tiny 13B", Kind.SAME_FILES),
        ("Tiny tokenizer", Kind.SAME_FILES),
    }
    assert answers[0].files.extra == ()


def test_files_are_recognised_under_other_names(tmp_path: Path) -> None:
    renamed = {f"copy of {path}": data for path, data in FILES.items()}

    [answer] = identified(write(tmp_path / "x", renamed), *KNOWN).answers

    assert (answer.known.name, answer.kind) == ("Tiny 13B", Kind.SAME_FILES)


def test_a_folder_that_holds_several_checkpoints_is_all_of_them(tmp_path: Path) -> None:
    write(tmp_path / "all" / "13B", FILES)
    write(tmp_path / "all" / "7B", {"consolidated.00.pth": b"only shard", "params.json": b"{}"})

    answers = identified(tmp_path / "all", *KNOWN).answers

    assert {each.known.name for each in answers if each.kind is Kind.SAME_FILES} == {
        "Tiny 7B",
        "Tiny 13B",
    }


def test_the_shard_that_differs_is_named(tmp_path: Path) -> None:
    damaged = {**FILES, "consolidated.00.pth": b"other bytes"}

    [answer] = identified(write(tmp_path / "x", damaged), *KNOWN).answers

    assert (answer.known.name, answer.kind) == ("Tiny 13B", Kind.PART_OF_FILES)
    assert answer.files.different == ("consolidated.00.pth",)
    assert answer.files.same == ("consolidated.01.pth", "params.json")


def test_the_shard_that_is_missing_is_named(tmp_path: Path) -> None:
    part = {path: data for path, data in FILES.items() if path != "consolidated.01.pth"}

    [answer] = identified(write(tmp_path / "x", part), *KNOWN).answers

    assert (answer.kind, answer.files.missing) == (Kind.PART_OF_FILES, ("consolidated.01.pth",))


def test_one_file_that_only_one_checkpoint_has_tells_which_it_is(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "x", {**FILES, "consolidated.00.pth": b"x", "consolidated.01.pth": b"y"}
    )

    [answer] = identified(folder, *KNOWN).answers

    assert (answer.known.name, answer.files.same) == ("Tiny 13B", ("params.json",))


def test_a_tokenizer_alone_is_no_checkpoint(tmp_path: Path) -> None:
    holder = published("Release", {**TOKENIZER, "model.safetensors": b"weights"})

    answers = identified(write(tmp_path / "x", TOKENIZER), *KNOWN, holder).answers

    assert [each.known.name for each in answers] == ["Tiny tokenizer"]


def test_a_folder_with_no_known_file_is_unknown(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", {"notes.txt": b"nothing"})

    identity = identified(folder, *KNOWN)

    assert (identity.kind, identity.notes) == (Kind.UNKNOWN, ("there are no weights here",))


def test_an_operators_catalogues_are_read_from_a_folder(tmp_path: Path) -> None:
    text = (
        'format = "corral-catalogue/1"\nsource = "ours"\n'
        f'[[checkpoints]]\nname = "X"\nfiles = [{{ path = "x", sha256 = "{"0" * 64}" }}]\n'
    )
    (tmp_path / "ours.toml").write_text(text)
    (tmp_path / "README").write_text("not one of them")

    [catalogue] = catalogues_in(tmp_path)

    assert catalogue.source == "ours"
    assert catalogues_in(tmp_path / "missing") == []


def test_a_bad_catalogue_in_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text("format = 1")

    with pytest.raises(BadCatalogue, match=r"ours\.toml is no catalogue"):
        catalogues_in(tmp_path)
