"""Bytes in doubt: who stops their use, and who says otherwise."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from registry.accounts.model import Role
from registry.db.session import Database
from registry.errors import (
    NotFreshlyVerified,
    ReasonMissing,
    ReleaseMoved,
    RoleMissing,
    SecondPersonNeeded,
)
from registry.releases import quarantine, verifications
from registry.releases.model import Quarantine, Release, ReleaseState
from registry.releases.store import Store
from tests.support import rows
from tests.support.life import (
    NAME,
    OTHER,
    damage,
    lift,
    publish,
    put_in_quarantine,
    register,
    state,
    verify,
)

Move = Callable[..., object]


@pytest.mark.parametrize("move", [publish, put_in_quarantine])
@pytest.mark.usefixtures("release")
def test_what_is_in_quarantine_stays_there_whatever_else_is_asked(
    database: Database, store: Store, move: Move
) -> None:
    verify(database, store)
    put_in_quarantine(database)

    with pytest.raises(ReleaseMoved):
        move(database)

    assert state(database) is ReleaseState.QUARANTINED


@pytest.mark.usefixtures("release")
def test_bytes_in_quarantine_get_no_other_name(
    database: Database, store: Store, tmp_path: Path
) -> None:
    put_in_quarantine(database)

    with pytest.raises(ReleaseMoved, match=OTHER):
        register(database, store, tmp_path / "tiny", "owner/third")


def test_a_second_person_lifts_a_quarantine_after_a_verification(
    database: Database, store: Store, release: Release
) -> None:
    verify(database, store)
    publish(database)
    put_in_quarantine(database)
    verify(database, store)

    lift(database, "rae")

    assert state(database) is ReleaseState.PUBLISHED
    assert state(database, OTHER) is ReleaseState.VERIFIED
    with database.reading() as session:
        [row] = quarantine.of_digests(session, [release.digest])[release.digest]
    assert (row.placed_by, row.lifted_by, row.lift_reason) == ("operator", "rae", "it is sound")
    assert row.verification_id is not None


@pytest.mark.usefixtures("release")
def test_a_verification_from_before_the_quarantine_lifts_nothing(
    database: Database, store: Store
) -> None:
    verify(database, store)
    put_in_quarantine(database)

    with pytest.raises(NotFreshlyVerified):
        lift(database, "rae")


def test_a_verification_that_fails_after_one_that_held_lifts_nothing(
    database: Database, store: Store, release: Release
) -> None:
    put_in_quarantine(database)
    verify(database, store)
    damage(store, release, database)
    verify(database, store)

    with pytest.raises(NotFreshlyVerified):
        lift(database, "rae")


def test_the_schedule_is_no_person(database: Database, release: Release) -> None:
    put_in_quarantine(database)
    with database.transaction() as session:
        rows.verify(session, release, actor=f"{verifications.SCHEDULE_START}machine")

    with pytest.raises(NotFreshlyVerified):
        lift(database, "rae")


@pytest.mark.parametrize(
    ("placed_by", "verified_by"), [("rae", "operator"), ("operator", "rae"), ("rae", "rae")]
)
@pytest.mark.usefixtures("release")
def test_who_quarantined_or_verified_does_not_lift(
    database: Database, store: Store, placed_by: str, verified_by: str
) -> None:
    put_in_quarantine(database, placed_by)
    verify(database, store, verified_by)

    with pytest.raises(SecondPersonNeeded):
        lift(database, "rae")

    assert state(database) is ReleaseState.QUARANTINED


@pytest.mark.parametrize("role", [Role.RESEARCHER, Role.AUDITOR])
@pytest.mark.usefixtures("release")
def test_only_reviewers_and_administrators_lift(
    database: Database, store: Store, role: Role
) -> None:
    put_in_quarantine(database)
    verify(database, store)

    with pytest.raises(RoleMissing):
        lift(database, "ada", role)


@pytest.mark.usefixtures("release")
def test_lifting_needs_a_reason(database: Database, store: Store) -> None:
    put_in_quarantine(database)
    verify(database, store)

    with pytest.raises(ReasonMissing):
        lift(database, "rae", reason=" ")


@pytest.mark.usefixtures("release")
def test_what_is_in_no_quarantine_is_not_lifted(database: Database, store: Store) -> None:
    verify(database, store)

    with pytest.raises(ReleaseMoved, match="not in quarantine"):
        lift(database, "rae")


@pytest.mark.usefixtures("release")
def test_the_database_too_refuses_who_placed_it(database: Database, store: Store) -> None:
    put_in_quarantine(database)
    verification = verify(database, store).verification

    with pytest.raises(IntegrityError), database.transaction() as session:
        session.execute(
            update(Quarantine).values(
                lifted_by="operator",
                lifted_at=verification.finished_at,
                verification_id=verification.id,
            )
        )


def test_a_good_copy_mends_a_release_in_quarantine_which_stays_there(
    database: Database, store: Store, release: Release, tmp_path: Path
) -> None:
    damage(store, release, database)
    verify(database, store)

    register(database, store, tmp_path / "tiny", NAME)

    assert state(database) is ReleaseState.QUARANTINED
    assert verify(database, store).differences.holds
