import errno
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from registry.checkpoints.digest import BLOCK_BYTES, digest_files
from registry.checkpoints.layouts import inspect
from registry.checkpoints.manifest import Manifest
from registry.errors import (
    BadCheckpoint,
    ChecksumMismatch,
    FolderExists,
    NotEnoughDisk,
    UnknownFile,
)
from registry.releases.store import Store
from tests.support.checkpoints import make_sharded


def add(store: Store, folder: Path, *, link: bool = False) -> Manifest:
    layout = inspect(folder)
    return store.add_folder(layout.files, root=layout.root, link=link)


def content(store: Store) -> list[Path]:
    return sorted(path for path in store.root.rglob("*") if path.is_file())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small checkpoint."""
    return make_sharded(tmp_path / "checkpoint")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


@pytest.mark.parametrize("link", [False, True])
def test_what_was_added_is_there_read_only_under_its_digest(
    store: Store, folder: Path, link: bool
) -> None:
    manifest = add(store, folder, link=link)

    for entry in manifest.files:
        kept = store.entry_path(manifest, entry.path)
        assert kept == store.root / "sha256" / entry.sha256[:2] / entry.sha256
        assert kept.read_bytes() == (folder / entry.path).read_bytes()
        assert stat.S_IMODE(kept.stat().st_mode) == 0o444
        assert kept.samefile(folder / entry.path) == link
    assert stat.S_IMODE(store.root.stat().st_mode) == 0o700
    assert len(content(store)) == len(manifest.files)


def test_the_manifest_is_that_of_the_folder(store: Store, folder: Path) -> None:
    layout = inspect(folder)
    expected = Manifest.of(digest_files(layout.files, root=layout.root))

    manifest = add(store, folder)

    assert manifest.canonical() == expected.canonical()
    assert [each.blake3 for each in manifest.files] == [each.blake3 for each in expected.files]


@pytest.mark.parametrize("link", [False, True])
def test_adding_the_same_bytes_again_changes_nothing(
    store: Store, folder: Path, link: bool
) -> None:
    first = add(store, folder)
    before = [(path, path.stat().st_ino) for path in content(store)]

    second = add(store, folder, link=link)

    assert second.digest == first.digest
    assert [(path, path.stat().st_ino) for path in content(store)] == before
    assert (folder / "config.json").stat().st_mode & stat.S_IWUSR


def test_adding_the_same_bytes_again_mends_a_damaged_object(store: Store, folder: Path) -> None:
    manifest = add(store, folder)
    damaged = store.entry_path(manifest, "config.json")
    size = damaged.stat().st_size
    damaged.chmod(0o600)
    damaged.write_bytes(b"x" * size)

    add(store, folder)

    assert store.verify(manifest).holds


def test_equal_files_are_kept_once(store: Store, folder: Path) -> None:
    shutil.copy(folder / "config.json", folder / "copy.json")

    manifest = add(store, folder)

    assert len(content(store)) == len(manifest.files) - 1


def test_progress_counts_every_byte_once(store: Store, folder: Path) -> None:
    layout = inspect(folder)
    counts: list[int] = []

    manifest = store.add_folder(layout.files, root=layout.root, progress=counts.append)

    assert sum(counts) == manifest.total_bytes


def test_a_cut_object_is_replaced_when_the_release_is_added_again(
    store: Store, folder: Path
) -> None:
    manifest = add(store, folder)
    kept = store.entry_path(manifest, "tokenizer.model")
    kept.chmod(0o644)
    kept.write_bytes(b"")

    add(store, folder)

    assert store.verify(manifest).holds


def test_nothing_cannot_be_added(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="no files"):
        store.add_folder([], root=tmp_path)


def test_a_file_that_changes_meanwhile_leaves_nothing_behind(store: Store, folder: Path) -> None:
    layout = inspect(folder)

    def change(_count: int) -> None:
        for file in layout.files:
            os.utime(file)

    with pytest.raises(BadCheckpoint, match="changed while it was read"):
        store.add_folder(layout.files, root=layout.root, progress=change)

    assert content(store) == []


def test_one_changed_byte_is_found_and_named(store: Store, folder: Path) -> None:
    manifest = add(store, folder)
    part = "model-00002-of-00002.safetensors"
    kept = store.entry_path(manifest, part)
    kept.chmod(0o644)
    data = bytearray(kept.read_bytes())
    data[-1] ^= 1
    kept.write_bytes(data)
    store.entry_path(manifest, "config.json").unlink()

    differences = store.verify(manifest)

    assert not differences.holds
    assert [expected.path for expected, _ in differences.different] == [part]
    assert [each.path for each in differences.missing] == ["config.json"]
    assert manifest.by_path[part].sha256[:12] in differences.summary()[0]


def test_an_exported_release_is_the_same_checkpoint(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "note.txt").write_text("text")
    manifest = add(store, folder)
    target = tmp_path / "deep" / "copy"

    store.materialise(manifest, target)

    assert add(Store(tmp_path / "other"), target).digest == manifest.digest
    assert list(target.parent.iterdir()) == [target]
    assert os.access(target / "config.json", os.W_OK)


def test_an_export_into_an_empty_folder_works_and_into_a_used_one_does_not(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    manifest = add(store, folder)
    target = tmp_path / "copy"
    target.mkdir()
    store.materialise(manifest, target)

    with pytest.raises(FolderExists, match="is there already"):
        store.materialise(manifest, target)

    assert len(list(target.iterdir())) == len(manifest.files)


def test_a_damaged_object_is_not_exported(store: Store, folder: Path, tmp_path: Path) -> None:
    manifest = add(store, folder)
    kept = store.entry_path(manifest, "config.json")
    kept.chmod(0o644)
    kept.write_bytes(b"{}")

    with pytest.raises(ChecksumMismatch, match=r"config\.json is damaged"):
        store.materialise(manifest, tmp_path / "out" / "copy")

    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_that_is_not_in_the_release_or_was_lost_is_not_found(
    store: Store, folder: Path
) -> None:
    manifest = add(store, folder)
    store.entry_path(manifest, "config.json").unlink()

    with pytest.raises(UnknownFile, match=r"has no file '\.\./secret'"):
        store.entry_path(manifest, "../secret")
    with pytest.raises(UnknownFile, match=r"has lost config\.json"):
        store.entry_path(manifest, "config.json")


@pytest.mark.parametrize("digest", ["", "ab", "../" * 21 + "a", "A" * 64])
def test_only_a_digest_names_an_object(store: Store, digest: str) -> None:
    with pytest.raises(ValueError, match="64 lower-case hex digits"):
        store.path_of(digest)


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_what_does_not_fit_is_refused_before_anything_is_written(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1000, 990, 10))

    with pytest.raises(NotEnoughDisk, match="make room for") as caught:
        add(store, folder)

    facts = caught.value.facts
    assert facts["missing_bytes"] == facts["needed_bytes"] - 10
    assert content(store) == []


def fill_at_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)


@pytest.mark.parametrize("act", ["add", "export"])
def test_a_disk_that_fills_up_meanwhile_leaves_nothing_behind(
    store: Store, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    manifest = add(Store(tmp_path / "full"), folder)
    acts: dict[str, Callable[[], object]] = {
        "add": lambda: add(store, folder),
        "export": lambda: Store(tmp_path / "full").materialise(manifest, store.root / "copy"),
    }
    fill_at_sync(monkeypatch)

    with pytest.raises(NotEnoughDisk, match="something else fills it, or a quota"):
        acts[act]()

    assert content(store) == []


CRASH = """
import os, sys
from pathlib import Path
from registry.releases.store import Store
file = Path(sys.argv[1])
Store(Path(sys.argv[2])).add_folder([file], root=file.parent, progress=lambda _: os._exit(9))
"""


def test_a_crash_leaves_drafts_only_and_they_are_swept(store: Store, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(bytes(4 * BLOCK_BYTES))
    subprocess.run([sys.executable, "-c", CRASH, big, store.root], check=False)
    left = content(store)

    kept = store.sweep_temp()
    swept = store.sweep_temp(older_than_seconds=0)

    assert [path.relative_to(store.root).parts[0] for path in left] == ["incoming"]
    assert (kept, swept) == (0, 1)
    assert content(store) == []
