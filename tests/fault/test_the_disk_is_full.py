"""A real file system fills up while a release is registered: nothing is left behind."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.checkpoints.digest import BLOCK_BYTES
from registry.db.session import Database
from registry.errors import NotEnoughDisk
from registry.releases.intake import all_releases, register_folder
from registry.releases.store import Store
from tests.support.checkpoints import make_checkpoint, safetensors_bytes

DISK_BYTES = 8 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of eight megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a file system can be mounted by root alone, where mounting is allowed")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def records(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """Records on another disk."""
    shutil.copy(sqlite_template, tmp_path / "corral.db")
    database = Database(f"sqlite:///{tmp_path / 'corral.db'}")
    yield database
    database.close()


def folder_of(tmp_path: Path, weights_bytes: int) -> Path:
    folder = make_checkpoint(tmp_path / "folder")
    weights = safetensors_bytes({"a": bytes(weights_bytes)})
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def free(disk: Path) -> int:
    return shutil.disk_usage(disk).free


def objects_and_drafts(store: Store) -> list[Path]:
    return [path for path in store.root.rglob("*") if path.is_file() and path.name != "lock"]


def register(database: Database, store: Store, folder: Path, **more: object) -> None:
    given = {"progress": None, **more}
    register_folder(
        database,
        store,
        folder=folder,
        name="owner/tiny",
        license="MIT",
        source="a test",
        actor="operator",
        **given,  # type: ignore[arg-type]
    )


def test_what_cannot_fit_is_refused_with_how_much_is_missing(
    disk: Path, records: Database, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path, DISK_BYTES)
    store = Store(disk / "store")
    needed = sum(file.stat().st_size for file in folder.iterdir())

    with pytest.raises(NotEnoughDisk, match=r"make room for \d+ more") as caught:
        register(records, store, folder)

    facts = caught.value.facts
    assert facts["missing_bytes"] == needed - facts["free_bytes"] > 0
    assert objects_and_drafts(store) == []


def test_a_disk_that_others_fill_meanwhile_leaves_nothing_behind(
    disk: Path, records: Database, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path, DISK_BYTES // 2)
    store = Store(disk / "store")
    before = free(disk)

    def fill(_bytes: int) -> None:
        if not (disk / "others").exists():
            (disk / "others").write_bytes(bytes(free(disk) - BLOCK_BYTES))

    with pytest.raises(NotEnoughDisk, match=r"make room for (\d+) more") as caught:
        register(records, store, folder, progress=fill)

    missing = re.search(r"make room for (\d+) more", str(caught.value))
    assert missing is not None
    assert objects_and_drafts(store) == []
    with records.reading() as session:
        assert list(all_releases(session)) == []
    (disk / "others").unlink()
    assert before - free(disk) < BLOCK_BYTES
    register(records, store, folder)


def test_records_that_cannot_grow_leave_nothing_in_the_store(
    disk: Path, sqlite_template: Path, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path, DISK_BYTES // 4)
    store = Store(disk / "store")
    shutil.copy(sqlite_template, disk / "corral.db")
    records = Database(f"sqlite:///{disk / 'corral.db'}")
    total = sum(file.stat().st_size for file in folder.iterdir())
    with records.reading() as session:
        list(all_releases(session))
    (disk / "others").write_bytes(bytes(free(disk) - total - 8 * 4096))

    with pytest.raises(NotEnoughDisk, match=r"corral\.db"):
        register(records, store, folder)

    records.close()
    assert objects_and_drafts(store) == []
