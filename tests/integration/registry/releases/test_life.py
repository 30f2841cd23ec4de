"""From registered to withdrawn: what is verified, and what becomes of it."""

from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DatabaseError

from registry.db.session import Database
from registry.errors import (
    NotVerified,
    ReleaseMoved,
    Unavailable,
)
from registry.releases import queries, service, verifications
from registry.releases.model import Release, ReleaseState, Verification
from registry.releases.store import Store
from tests.support.life import (
    NAME,
    OTHER,
    damage,
    publish,
    put_in_quarantine,
    register,
    state,
    verify,
)


def test_what_nobody_verified_is_not_published(database: Database, release: Release) -> None:
    with pytest.raises(NotVerified, match=f"corral release verify {release.name}"):
        publish(database)


@pytest.mark.usefixtures("release")
def test_stored_bytes_that_hold_make_a_release_verified_under_each_name(
    database: Database, store: Store
) -> None:
    verified = verify(database, store)

    assert (state(database), state(database, OTHER)) == (ReleaseState.VERIFIED,) * 2
    assert verified.verification.files == len(verified.manifest.files)
    assert verified.verification.bytes_read == verified.manifest.total_bytes
    assert verified.verification.holds


def test_a_byte_that_differs_quarantines_every_name_of_the_bytes_and_says_which_file(
    database: Database, store: Store, release: Release
) -> None:
    verify(database, store)
    publish(database)
    damage(store, release, database)

    found = verify(database, store)

    assert (state(database), state(database, OTHER)) == (ReleaseState.QUARANTINED,) * 2
    assert found.release.state_reason.startswith("model.safetensors differs")
    with database.reading() as session:
        newest = verifications.newest_of(session, [release.digest])[release.digest]
    assert (newest.holds, newest.problems) == (False, found.differences.summary())


@pytest.mark.usefixtures("release")
def test_a_store_that_is_not_there_says_nothing_about_the_bytes(
    database: Database, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable, match="no store"):
        verify(database, Store(tmp_path / "elsewhere"))

    assert state(database) is ReleaseState.REGISTERED


@pytest.mark.usefixtures("release")
def test_the_history_of_verifications_is_not_rewritten(database: Database, store: Store) -> None:
    verify(database, store)

    with pytest.raises(DatabaseError), database.transaction() as session:
        session.execute(update(Verification).values(holds=True, files=99))


def test_withdrawal_is_final_and_keeps_the_record(
    database: Database, store: Store, release: Release, tmp_path: Path
) -> None:
    verify(database, store)
    with database.transaction() as session:
        service.withdraw(session, name=NAME, actor="operator", reason="over")

    again = register(database, store, tmp_path / "tiny", NAME)

    for move in (publish, put_in_quarantine):
        with pytest.raises(ReleaseMoved):
            move(database)
    assert (again.id, state(database)) == (release.id, ReleaseState.WITHDRAWN)
    with database.reading() as session:
        assert store.verify(queries.manifest_of(session, release)).holds
