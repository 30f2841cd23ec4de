"""Releases of the revision before keep their state, and one in quarantine can be lifted."""

import hashlib
from datetime import UTC, datetime
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import text

import migrations
from registry.db.session import Database
from registry.db.tables import UTCDateTime
from registry.releases import quarantine, queries
from registry.releases.model import ReleaseState

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def add_old_release(database: Database, name: str, state: str) -> None:
    """Write a row as the revision before did."""
    statement = text(
        "INSERT INTO releases (id, name, digest, state, state_reason, layout, context_tokens, "
        "license, source, registered_at, moved_at) VALUES (:id, :name, :digest, :state, :reason, "
        "'huggingface', 128, '', '', :at, :at)"
    ).bindparams(sa.bindparam("id", type_=sa.Uuid()), sa.bindparam("at", type_=UTCDateTime()))
    with database.transaction() as session:
        session.execute(
            statement,
            {
                "id": uuid4(),
                "name": name,
                "digest": hashlib.sha256(name.encode()).hexdigest(),
                "state": state,
                "reason": f"it is {state}",
                "at": AT,
            },
        )


def test_old_releases_keep_their_state_and_an_old_quarantine_stands(
    fresh_database_url: str, fresh_database: Database
) -> None:
    migrations.downgrade(fresh_database_url, "0012")
    add_old_release(fresh_database, "owner/published", "published")
    add_old_release(fresh_database, "owner/quarantined", "quarantined")

    migrations.upgrade(fresh_database_url)

    with fresh_database.reading() as session:
        kept = queries.get(session, "owner/published")
        stopped = queries.get(session, "owner/quarantined")
        standing = quarantine.standing(session, stopped.digest)
    assert (kept.state, stopped.state) == (ReleaseState.PUBLISHED, ReleaseState.QUARANTINED)
    assert standing is not None
    assert (standing.placed_by, standing.placed_at, standing.reason, standing.stopped) == (
        "operator",
        AT,
        "it is quarantined",
        {},
    )


def test_going_down_makes_verified_releases_registered(
    fresh_database_url: str, fresh_database: Database
) -> None:
    add_old_release(fresh_database, "owner/verified", "verified")

    migrations.downgrade(fresh_database_url, "0012")

    with fresh_database.reading() as session:
        [state] = session.scalars(text("SELECT state FROM releases"))
    assert state == "registered"
