from datetime import timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError

from registry.access import gate
from registry.access import service as access
from registry.access.model import Approval, Scope
from registry.accounts import service as accounts
from registry.accounts.model import Role
from registry.clock import now
from registry.db.session import Database
from registry.errors import (
    ApprovalExpired,
    ApprovalRevoked,
    LicenseNotAccepted,
    NotApproved,
    OwnRequest,
    ReasonMissing,
    ReleaseNotPublished,
    RequestExists,
    RequestMoved,
    ScopeMissing,
)
from registry.releases.model import Release, ReleaseState
from tests.support import rows
from tests.support.rows import World


@pytest.fixture
def world(database: Database) -> World:
    """A published release and an approved researcher."""
    return rows.make_world(database)


def ask(database: Database, world: World) -> Approval:
    """Ask the gate."""
    with database.reading() as session:
        return gate.admit(
            session,
            account_id=world.researcher.id,
            release_id=world.release.id,
            scope=Scope.GENERATE,
        )


def test_an_approved_researcher_is_admitted(database: Database, world: World) -> None:
    assert ask(database, world).id == world.approval_id


def test_an_expired_approval_is_a_no_that_says_when(database: Database, world: World) -> None:
    with database.transaction() as session:
        session.execute(update(Approval).values(expires_at=now() - timedelta(seconds=1)))

    with pytest.raises(ApprovalExpired, match="expired on"):
        ask(database, world)


def test_a_revoked_approval_is_a_no(database: Database, world: World) -> None:
    with database.transaction() as session:
        access.revoke(
            session, approval_id=world.approval_id, reviewer=world.reviewer, reason="test"
        )

    with pytest.raises(ApprovalRevoked, match="revoked"):
        ask(database, world)


def test_an_approval_without_the_scope_is_a_no(database: Database, world: World) -> None:
    with database.transaction() as session:
        session.execute(update(Approval).values(scopes=["other"]))

    with pytest.raises(ScopeMissing):
        ask(database, world)


@pytest.mark.parametrize("to", [ReleaseState.QUARANTINED, ReleaseState.WITHDRAWN])
def test_a_release_out_of_use_admits_nobody(
    database: Database, world: World, to: ReleaseState
) -> None:
    with database.transaction() as session:
        rows.move(session, world.release.name, to)

    with pytest.raises(ReleaseNotPublished, match=to.value):
        ask(database, world)


def test_without_a_request_the_no_says_how_to_ask(database: Database, world: World) -> None:
    with database.transaction() as session:
        other = accounts.add(session, handle="bob", roles=[Role.RESEARCHER])

    with pytest.raises(NotApproved, match="corral request"), database.reading() as session:
        gate.admit(session, account_id=other.id, release_id=world.release.id, scope=Scope.GENERATE)


def test_an_open_request_is_told_to_wait(database: Database, world: World) -> None:
    with database.transaction() as session:
        other = accounts.add(session, handle="bob", roles=[Role.RESEARCHER])
        access.request(
            session,
            account=other,
            release=world.release,
            purpose="p",
            affiliation="a",
            intended_use="i",
            accepts_license=True,
        )

    with pytest.raises(NotApproved, match="waits for a reviewer"), database.reading() as session:
        gate.admit(session, account_id=other.id, release_id=world.release.id, scope=Scope.GENERATE)


def test_the_licence_must_be_accepted(database: Database, world: World) -> None:
    with pytest.raises(LicenseNotAccepted), database.transaction() as session:
        access.request(
            session,
            account=world.researcher,
            release=world.release,
            purpose="p",
            affiliation="a",
            intended_use="i",
            accepts_license=False,
        )


def test_one_request_at_a_time(database: Database, world: World) -> None:
    wish = {"purpose": "p", "affiliation": "a", "intended_use": "i"}
    with database.transaction() as session:
        access.request(
            session,
            account=world.researcher,
            release=world.release,
            accepts_license=True,
            **wish,
        )

    with pytest.raises(RequestExists), database.transaction() as session:
        access.request(
            session,
            account=world.researcher,
            release=world.release,
            accepts_license=True,
            **wish,
        )


def test_nobody_approves_their_own_request(database: Database, world: World) -> None:
    with database.transaction() as session:
        both = accounts.add(session, handle="bo", roles=[Role.RESEARCHER, Role.REVIEWER])
        row = access.request(
            session,
            account=both,
            release=world.release,
            purpose="p",
            affiliation="a",
            intended_use="i",
            accepts_license=True,
        )

        with pytest.raises(OwnRequest):
            access.approve(session, row=row, reviewer=both, days=1)


def test_a_decided_request_is_not_decided_again(database: Database, world: World) -> None:
    with database.transaction() as session:
        other = accounts.add(session, handle="bob", roles=[Role.RESEARCHER])
        row = access.request(
            session,
            account=other,
            release=world.release,
            purpose="p",
            affiliation="a",
            intended_use="i",
            accepts_license=True,
        )
        access.deny(session, row=row, reviewer=world.reviewer, reason="not now")

        with pytest.raises(RequestMoved, match="denied"):
            access.approve(session, row=row, reviewer=world.reviewer, days=1)


def test_a_denial_needs_a_reason(database: Database, world: World) -> None:
    with database.transaction() as session:
        other = accounts.add(session, handle="bob", roles=[Role.RESEARCHER])
        row = access.request(
            session,
            account=other,
            release=world.release,
            purpose="p",
            affiliation="a",
            intended_use="i",
            accepts_license=True,
        )

        with pytest.raises(ReasonMissing):
            access.deny(session, row=row, reviewer=world.reviewer, reason="")


@pytest.mark.parametrize("table", [Release, Approval])
def test_a_yes_that_is_held_is_not_taken_back_before_the_commit(
    fresh_database: Database, table: type[Release] | type[Approval]
) -> None:
    if fresh_database.engine.dialect.name == "sqlite":
        pytest.skip("a writing transaction is alone on SQLite")
    world = rows.make_world(fresh_database)

    def take_back() -> None:
        with fresh_database.transaction() as other:
            other.execute(text("SET LOCAL lock_timeout = '100ms'"))
            other.execute(update(table).values(id=table.id))

    with fresh_database.transaction() as session:
        gate.admit(
            session,
            account_id=world.researcher.id,
            release_id=world.release.id,
            scope=Scope.GENERATE,
            until_commit=True,
        )
        with pytest.raises(OperationalError, match="lock"):
            take_back()

    take_back()
