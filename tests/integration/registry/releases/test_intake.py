"""A folder becomes a release, wholly or not at all."""

from collections.abc import Callable
from pathlib import Path

import pytest

from registry.db.session import Database
from registry.errors import BadCheckpoint, BadParameters, PickledWeights, ReleaseExists
from registry.ledger import queries as ledger
from registry.releases import queries
from registry.releases.intake import all_releases, register_folder
from registry.releases.model import Release, ReleaseState
from registry.releases.store import Store
from tests.support.checkpoints import make_checkpoint, make_sharded

NAME = "owner/tiny"

Register = Callable[..., Release]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


@pytest.fixture
def register(database: Database, store: Store) -> Register:
    """Register a folder."""

    def run(
        folder: Path, *, name: str = NAME, progress: Callable[[int], None] | None = None
    ) -> Release:
        return register_folder(
            database,
            store,
            folder=folder,
            name=name,
            license="MIT",
            source="a test",
            actor="operator",
            progress=progress,
        )

    return run


def _actions(database: Database) -> list[str]:
    with database.reading() as session:
        page = ledger.entries(session, subject=None, limit=10, cursor=None)
    return [row.action for row in page.rows]


def test_a_folder_becomes_a_registered_release_with_its_files_in_the_store(
    register: Register, database: Database, store: Store, tmp_path: Path
) -> None:
    folder = make_checkpoint(tmp_path / "tiny")

    release = register(folder)

    with database.reading() as session:
        manifest = queries.manifest_of(session, release)
    assert (release.state, release.context_tokens) == (ReleaseState.REGISTERED, 256)
    assert release.digest == manifest.digest
    assert store.verify(manifest).holds
    assert _actions(database) == ["release.registered"]


def test_every_stored_file_is_referenced(
    register: Register, database: Database, store: Store, tmp_path: Path
) -> None:
    register(make_checkpoint(tmp_path / "tiny"))
    register(make_sharded(tmp_path / "sharded"), name="owner/sharded")

    with database.reading() as session:
        referenced = queries.referenced_sha256s(session)

    assert referenced == {
        path.name for path in (store.root / "sha256").rglob("*") if path.is_file()
    }


def test_every_byte_is_read_once(register: Register, tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "tiny")
    seen: list[int] = []

    register(folder, progress=seen.append)

    assert sum(seen) == sum(file.stat().st_size for file in folder.iterdir())


def test_the_same_bytes_under_the_same_name_are_the_same_release(
    register: Register, database: Database, tmp_path: Path
) -> None:
    first = register(make_checkpoint(tmp_path / "one"))

    second = register(make_checkpoint(tmp_path / "two"))

    assert second.id == first.id
    assert _actions(database) == ["release.registered"]


def test_a_taken_name_keeps_its_digest(
    register: Register, database: Database, tmp_path: Path
) -> None:
    first = register(make_checkpoint(tmp_path / "one"))

    with pytest.raises(ReleaseExists):
        register(make_sharded(tmp_path / "two"))

    with database.reading() as session:
        assert queries.get(session, NAME).digest == first.digest


def test_a_bad_name_is_refused_before_anything_is_copied(
    register: Register, store: Store, tmp_path: Path
) -> None:
    folder = make_checkpoint(tmp_path / "tiny")

    with pytest.raises(BadParameters):
        register(folder, name="no owner")

    assert not store.root.exists()


def test_pickles_leave_neither_row_nor_file(
    register: Register, database: Database, store: Store, tmp_path: Path
) -> None:
    folder = make_checkpoint(tmp_path / "tiny")
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x02}q\x00.")

    with pytest.raises(PickledWeights):
        register(folder)

    assert _actions(database) == []
    assert not store.root.exists()


def test_a_folder_that_changes_meanwhile_leaves_no_row(
    register: Register, database: Database, tmp_path: Path
) -> None:
    folder = make_checkpoint(tmp_path / "tiny")

    files = list(folder.iterdir())

    # Once: a file that grew with every block would be read for ever.
    def grow(_bytes: int) -> None:
        while files:
            file = files.pop()
            file.write_bytes(file.read_bytes() + b"\0")

    with pytest.raises(BadCheckpoint):
        register(folder, progress=grow)

    with database.reading() as session:
        assert list(all_releases(session)) == []
