"""Verified releases, the history of verifications and quarantines, and when texts were generated.

Releases that are published stay so; they were verified never, and the schedule begins with them.
A release in quarantine gets the row of a quarantine that somebody can lift.

Workers of the revision before quarantine without such a row: stop them first.

Revision: 0023
Follows: 0020
"""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

from migrations.triggers import allow_changes, refuse_changes
from registry.db.tables import UTCDateTime

revision = "0023"
down_revision = "0020"

APPEND_ONLY = ("verifications",)
STATES = ("registered", "published", "quarantined", "withdrawn")


def upgrade() -> None:
    _allow_states((*STATES[:1], "verified", *STATES[1:]))
    op.add_column("outputs", sa.Column("generated_at", UTCDateTime(), nullable=True))
    op.create_table(
        "verifications",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("verified_by", sa.String(length=100), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("finished_at", UTCDateTime(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False, comment="that were there and were hashed"),
        sa.Column("bytes_read", sa.BigInteger(), nullable=False),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_verifications"),
    )
    op.create_index("ix_verifications_digest", "verifications", ["digest"], unique=False)
    op.create_table(
        "verification_passes",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=100), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.Column(
            "files_done", sa.Integer(), nullable=False, comment="in the order of the manifest"
        ),
        sa.Column("bytes_done", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_verification_passes"),
        sa.UniqueConstraint("digest", name="uq_verification_passes_digest"),
    )
    op.create_table(
        "quarantines",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("placed_by", sa.String(length=100), nullable=False),
        sa.Column("placed_at", UTCDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "stopped", sa.JSON(), nullable=False, comment="name of a release: its state before"
        ),
        sa.Column("lifted_by", sa.String(length=100), nullable=True),
        sa.Column("lifted_at", UTCDateTime(), nullable=True),
        sa.Column("lift_reason", sa.Text(), nullable=False),
        sa.Column("verification_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "lifted_at IS NULL OR (lifted_by IS NOT NULL AND verification_id IS NOT NULL "
            "AND lifted_by <> placed_by)",
            name=op.f("ck_quarantines_two_people_lift"),
        ),
        sa.ForeignKeyConstraint(
            ["verification_id"], ["verifications.id"], name="fk_quarantines_verification_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_quarantines"),
    )
    op.create_index("ix_quarantines_digest", "quarantines", ["digest"], unique=False)
    op.create_index(
        "uq_quarantines_standing",
        "quarantines",
        ["digest"],
        unique=True,
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    _write_standing()
    refuse_changes(op.get_bind(), APPEND_ONLY)


def downgrade() -> None:
    allow_changes(op.get_bind(), APPEND_ONLY)
    op.drop_table("quarantines")
    op.drop_table("verification_passes")
    op.drop_table("verifications")
    op.drop_column("outputs", "generated_at")
    op.execute("UPDATE releases SET state = 'registered' WHERE state = 'verified'")
    _allow_states(STATES)


def _allow_states(states: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{state}'" for state in states)
    with op.batch_alter_table("releases") as releases:
        releases.drop_constraint(op.f("ck_releases_releasestate"), type_="check")
        releases.create_check_constraint(op.f("ck_releases_releasestate"), f"state IN ({listed})")


def _write_standing() -> None:
    """Write a quarantine for each digest that is in one; the states before are not known."""
    table = sa.table(
        "quarantines",
        sa.column("id", sa.Uuid()),
        sa.column("digest"),
        sa.column("placed_by"),
        sa.column("placed_at", UTCDateTime()),
        sa.column("reason"),
        sa.column("stopped", sa.JSON()),
        sa.column("lift_reason"),
    )
    releases = sa.table(
        "releases",
        sa.column("name"),
        sa.column("digest"),
        sa.column("state"),
        sa.column("state_reason"),
        sa.column("moved_at", UTCDateTime()),
    )
    found = op.get_bind().execute(
        sa.select(releases).where(releases.c.state == "quarantined").order_by(releases.c.moved_at)
    )
    for row in {row.digest: row for row in found}.values():
        op.execute(
            table.insert().values(
                id=uuid4(),
                digest=row.digest,
                placed_by="operator",
                placed_at=row.moved_at,
                reason=row.state_reason,
                stopped={},
                lift_reason="",
            )
        )
