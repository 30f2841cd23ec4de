"""An interrupted registration goes on where it was."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.checkpoints.digest import BLOCK_BYTES
from registry.checkpoints.manifest import Manifest
from registry.releases import arrivals
from registry.releases.arrivals import Identity
from registry.releases.store import Store

SIZE = 3 * BLOCK_BYTES
KILLED = 9

RUN = """
import os, sys
from pathlib import Path
from registry.releases import arrivals
from registry.releases.store import Store
arrivals.SETTLED_SECONDS = -1
folder, root, left = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
def count(more):
    global left
    left -= more
    if left < 0:
        os.kill(os.getpid(), 9)
Store(root).add_folder(sorted(folder.iterdir()), root=folder, progress=count, threads=1)
"""


@pytest.fixture(autouse=True)
def _every_file_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "SETTLED_SECONDS", -1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files, which one thread copies one after the other."""
    made = tmp_path / "checkpoint"
    made.mkdir()
    for name in ("a", "b", "c"):
        (made / name).write_bytes(os.urandom(SIZE))
    return made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


def add(store: Store, folder: Path, progress: Callable[[int], None] | None = None) -> Manifest:
    return store.add_folder(sorted(folder.iterdir()), root=folder, progress=progress, threads=1)


def interrupt(store: Store, folder: Path, *, after_bytes: int) -> None:
    done: list[int] = []

    def count(more: int) -> None:
        done.append(more)
        if sum(done) > after_bytes:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add(store, folder, count)


def kill(store: Store, folder: Path, *, after_bytes: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", RUN, folder, store.root, str(after_bytes)], check=False
    )
    assert ended.returncode == -KILLED


def left(store: Store) -> dict[str, int]:
    """Return the inodes of the drafts by their names."""
    found = (store.root / "incoming").rglob("*")
    return {each.name: each.stat().st_ino for each in found if each.is_file()}


def inode(store: Store, manifest: Manifest, name: str) -> int:
    return store.entry_path(manifest, name).stat().st_ino


@pytest.mark.parametrize("stop", [interrupt, kill])
def test_what_had_arrived_is_not_copied_again(
    store: Store, folder: Path, stop: Callable[..., None]
) -> None:
    stop(store, folder, after_bytes=2 * SIZE)
    before = left(store)
    counts: list[int] = []

    manifest = add(store, folder, counts.append)

    assert inode(store, manifest, "a") == before["0"]
    assert inode(store, manifest, "b") == before["1"]
    assert store.verify(manifest).holds
    assert manifest == add(Store(store.root.with_name("other")), folder)
    assert sum(counts) == manifest.total_bytes
    assert left(store) == {}


def test_an_interrupted_run_leaves_whole_copies_and_nothing_else(
    store: Store, folder: Path
) -> None:
    interrupt(store, folder, after_bytes=SIZE)

    assert sorted(left(store)) == ["0", "0.json"]
    assert not (store.root / "sha256").exists()


def test_a_run_that_is_interrupted_before_anything_has_arrived_leaves_nothing(
    store: Store, folder: Path
) -> None:
    interrupt(store, folder, after_bytes=0)

    assert list((store.root / "incoming").iterdir()) == []


def rewrite(file: Path) -> None:
    times = file.stat()
    file.write_bytes(os.urandom(SIZE))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def replace(file: Path) -> None:
    other = file.with_name("other")
    other.write_bytes(os.urandom(SIZE))
    other.replace(file)


@pytest.mark.parametrize("change", [rewrite, replace])
def test_a_file_that_has_changed_since_is_copied_again(
    store: Store, folder: Path, change: Callable[[Path], None]
) -> None:
    interrupt(store, folder, after_bytes=2 * SIZE)
    before = left(store)
    change(folder / "a")

    manifest = add(store, folder)

    assert inode(store, manifest, "a") != before["0"]
    assert inode(store, manifest, "b") == before["1"]
    assert store.entry_path(manifest, "a").read_bytes() == (folder / "a").read_bytes()


def test_a_file_that_changed_just_now_is_not_trusted(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "SETTLED_SECONDS", 1000)

    interrupt(store, folder, after_bytes=2 * SIZE)

    assert left(store) == {}


def test_nothing_is_taken_from_a_run_that_is_still_going_on(store: Store, folder: Path) -> None:
    interrupt(store, folder, after_bytes=2 * SIZE)
    (running,) = (store.root / "incoming").iterdir()
    before = left(store)

    with arrivals.owned(running):
        manifest = add(store, folder)

    assert left(store) == before
    assert store.verify(manifest).holds


def test_a_copy_without_the_md5_is_no_use_where_the_md5_is_needed(
    store: Store, folder: Path
) -> None:
    interrupt(store, folder, after_bytes=2 * SIZE)
    before = left(store)

    manifest = store.add_folder(sorted(folder.iterdir()), root=folder, md5=True)

    assert inode(store, manifest, "a") not in before.values()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"identity": {}, "digest": {}}'])
def test_a_note_that_was_cut_off_is_passed_over(store: Store, folder: Path, text: str) -> None:
    interrupt(store, folder, after_bytes=2 * SIZE)
    (note,) = (store.root / "incoming").glob("*/0.json")
    note.write_text(text)

    assert store.verify(add(store, folder)).holds


def test_room_is_needed_only_for_what_has_not_arrived(store: Store, folder: Path) -> None:
    interrupt(store, folder, after_bytes=2 * SIZE)

    assert store.needed_bytes(sorted(folder.iterdir())) == SIZE


def test_a_file_is_the_same_until_anything_of_it_changes(folder: Path) -> None:
    first = Identity.of(folder / "a")
    (folder / "a").chmod(0o600)

    assert Identity.of(folder / "b") != first != Identity.of(folder / "a")
