"""What no record refers to leaves the store after a while, and nothing else ever does."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from registry.db.session import Database
from registry.errors import ReleaseExists
from registry.releases import queries
from registry.releases.collection import Collected, collect, registering
from registry.releases.intake import register_folder
from registry.releases.store import Store
from tests.support.checkpoints import make_checkpoint, make_sharded

GRACE_SECONDS = 3600.0


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store."""
    return Store(tmp_path / "store")


def register(database: Database, store: Store, folder: Path, name: str = "owner/tiny") -> None:
    register_folder(
        database,
        store,
        folder=folder,
        name=name,
        license="MIT",
        source="a test",
        actor="operator",
        progress=None,
    )


def leave_behind(store: Store, letter: str = "a") -> str:
    """Put an object into the store that no record refers to."""
    sha256 = letter * 64
    path = store.path_of(sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"left behind")
    return sha256


def age(store: Store, sha256: str) -> None:
    """Make the note on an object older than the grace period."""
    past = time.time() - GRACE_SECONDS - 1
    os.utime(store.root / "unreferenced" / sha256, (past, past))


def run(database: Database, store: Store) -> Collected:
    return collect(database, store, grace_seconds=GRACE_SECONDS)


def test_an_unreferenced_object_goes_only_after_the_grace_period(
    database: Database, store: Store
) -> None:
    left = leave_behind(store)

    first = run(database, store)
    second = run(database, store)
    age(store, left)
    third = run(database, store)

    assert (first.removed, second.removed, third.removed) == ((), (), (left,))
    assert (second.waiting, third.freed_bytes) == ((left,), len(b"left behind"))
    assert run(database, store) == Collected()


def test_an_old_object_waits_too_when_it_is_first_noticed(database: Database, store: Store) -> None:
    left = leave_behind(store)
    os.utime(store.path_of(left), (0, 0))

    assert run(database, store).removed == ()


def test_what_a_release_refers_to_stays_and_loses_its_note(
    database: Database, store: Store, tmp_path: Path
) -> None:
    folder = make_checkpoint(tmp_path / "tiny")
    store.add_folder(sorted(folder.iterdir()), root=folder)
    noticed = run(database, store).waiting
    register(database, store, folder)
    for sha256 in noticed:
        age(store, sha256)

    found = run(database, store)

    assert len(noticed) == 3
    assert found == Collected()
    assert list((store.root / "unreferenced").iterdir()) == []
    assert set(store.objects()) == set(noticed)


def test_nothing_is_looked_at_while_something_is_registered(
    database: Database, store: Store
) -> None:
    store.root.mkdir()
    left = leave_behind(store)
    run(database, store)
    age(store, left)

    with registering(database, store):
        found = run(database, store)

    assert found.busy
    assert list(store.objects()) == [left]


COLLECT_MEANWHILE = """
import sys
from pathlib import Path
from registry.db.session import Database
from registry.releases.collection import collect
from registry.releases.store import Store
found = collect(Database(sys.argv[1]), Store(Path(sys.argv[2])), grace_seconds=0)
print("busy" if found.busy else "collected")
"""


def test_an_object_that_is_just_being_referred_to_does_not_go(
    database: Database, store: Store, tmp_path: Path
) -> None:
    folder = make_checkpoint(tmp_path / "tiny")
    store.add_folder(sorted(folder.iterdir()), root=folder)
    for sha256 in run(database, store).waiting:
        age(store, sha256)
    url = database.engine.url.render_as_string(hide_password=False)
    said: list[str] = []

    def collect_in_another_process(_bytes: int) -> None:
        if not said:
            command = [sys.executable, "-c", COLLECT_MEANWHILE, url, str(store.root)]
            said.append(subprocess.check_output(command, text=True).strip())

    release = register_folder(
        database,
        store,
        folder=folder,
        name="owner/tiny",
        license="MIT",
        source="a test",
        actor="operator",
        progress=collect_in_another_process,
    )

    assert said == ["busy"]
    with database.reading() as session:
        assert store.verify(queries.manifest_of(session, release)).holds


def test_a_dry_run_changes_nothing(database: Database, store: Store) -> None:
    old, new = leave_behind(store), leave_behind(store, "b")
    run(database, store)
    age(store, old)
    (store.root / "unreferenced" / new).unlink()

    found = collect(database, store, grace_seconds=GRACE_SECONDS, dry_run=True)

    assert (found.removed, found.waiting) == ((old,), (new,))
    assert set(store.objects()) == {old, new}
    assert [path.name for path in (store.root / "unreferenced").iterdir()] == [old]


def test_a_store_that_is_not_there_is_not_made(database: Database, store: Store) -> None:
    assert run(database, store) == Collected()
    assert not store.root.exists()


def test_a_registration_that_is_refused_leaves_the_store_as_it_was(
    database: Database, store: Store, tmp_path: Path
) -> None:
    register(database, store, make_checkpoint(tmp_path / "tiny"))
    before = set(store.objects())

    with pytest.raises(ReleaseExists):
        register(database, store, make_sharded(tmp_path / "other"))

    assert set(store.objects()) == before


def test_a_registration_that_is_refused_takes_nothing_from_another_one(
    database: Database, store: Store, tmp_path: Path
) -> None:
    register(database, store, make_checkpoint(tmp_path / "tiny"))

    with registering(database, store), pytest.raises(ReleaseExists):
        register(database, store, make_sharded(tmp_path / "other"))

    left = run(database, store).waiting
    assert len(left) == 3
