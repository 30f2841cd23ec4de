"""Pickled originals have the checksums that were published, or nothing of them is kept."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from registry.db.session import Database
from registry.errors import ChecksumMismatch
from registry.releases import queries
from registry.releases.intake import all_releases, register_folder
from registry.releases.model import Release
from registry.releases.store import Store
from tests.support.meta import MetaLlama, shard_tensors, write_checklist, write_meta

SHARD, LAST = "consolidated.00.pth", "consolidated.01.pth"
MODEL = MetaLlama(shards=2)


@pytest.fixture
def register(database: Database, tmp_path: Path) -> Callable[[Path], tuple[Release, list[str]]]:
    """Register a folder; return the release and what was said."""

    def run(folder: Path) -> tuple[Release, list[str]]:
        said: list[str] = []
        release = register_folder(
            database,
            Store(tmp_path / "store"),
            folder=folder,
            name="meta/tiny",
            license="",
            source="",
            actor="operator",
            progress=None,
            say=said.append,
        )
        return release, said

    return run


def nothing_is_kept(database: Database, tmp_path: Path) -> bool:
    with database.reading() as session:
        rows = list(all_releases(session))
    kept = [each for each in (tmp_path / "store").rglob("*") if each.is_file()]
    return not rows and [each.name for each in kept] in ([], ["lock"])


def test_shards_that_are_as_the_checklist_says_become_a_release(
    register: Callable[[Path], tuple[Release, list[str]]], tmp_path: Path
) -> None:
    folder = write_meta(tmp_path / "13B", MODEL)

    _, said = register(folder)

    assert said == ["as checklist.chk lists: 3 files, by md5"]


def test_a_byte_of_a_tensor_that_the_checklist_has_otherwise_keeps_nothing(
    register: Callable[[Path], tuple[Release, list[str]]], database: Database, tmp_path: Path
) -> None:
    folder = write_meta(tmp_path / "13B", MODEL)
    content = bytearray((folder / LAST).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / LAST).write_bytes(content)
    found = hashlib.md5(content).hexdigest()  # noqa: S324 (what Meta published)

    with pytest.raises(ChecksumMismatch, match=f"{LAST} is not what .*expected md5.*found {found}"):
        register(folder)

    assert nothing_is_kept(database, tmp_path)


def test_swapped_shards_that_their_headers_do_not_tell_are_told_by_the_checklist(
    register: Callable[[Path], tuple[Release, list[str]]], database: Database, tmp_path: Path
) -> None:
    folder = write_meta(tmp_path / "13B", MODEL)
    for number, name in enumerate([SHARD, LAST]):
        with (folder / name).open("wb") as sink:
            torch.save(shard_tensors(MODEL, number), sink)  # all archives have one name then
    write_checklist(folder)
    (folder / SHARD).rename(folder / "between")
    (folder / LAST).rename(folder / SHARD)
    (folder / "between").rename(folder / LAST)

    with pytest.raises(ChecksumMismatch, match=f"that is {LAST}: the two are swapped, name them"):
        register(folder)

    assert nothing_is_kept(database, tmp_path)


def test_a_list_of_the_originals_is_not_served_with_what_was_made_of_them(
    register: Callable[[Path], tuple[Release, list[str]]], database: Database, tmp_path: Path
) -> None:
    folder = write_meta(tmp_path / "13B", MODEL)
    digest = hashlib.sha256((folder / SHARD).read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{digest}  {SHARD}\n")

    release, said = register(folder)

    assert "as SHA256SUMS lists: 1 file, by sha256" in said
    with database.reading() as session:
        served = queries.manifest_of(session, release)
    assert not {"SHA256SUMS", "checklist.chk"} & served.by_path.keys()
