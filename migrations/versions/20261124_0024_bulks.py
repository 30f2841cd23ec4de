"""Bulks: many jobs that were submitted at once, and jobs that wait for their turn.

The indexes of what is under way hold unfinished jobs alone.

Jobs that are there belong to no bulk. Workers of the revision before serve no bulk queue and
send no portion: a bulk waits until workers of this one run.

Revision: 0024
Follows: 0012
"""

import sqlalchemy as sa
from alembic import op

from registry.db.tables import UTCDateTime

revision = "0024"
down_revision = "0012"

_OLD = {
    "ix_jobs_state_leased_until": ["state", "leased_until"],
    "ix_jobs_state_send_again_at": ["state", "send_again_at"],
}
_HELD = "send_again_at IS NULL AND finished_at IS NULL"


def upgrade() -> None:
    op.create_table(
        "bulks",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("release_digest", sa.String(length=64), nullable=False),
        sa.Column("jobs", sa.Integer(), nullable=False),
        sa.Column(
            "lines_sha256", sa.String(length=64), nullable=False, comment="of the body as it came"
        ),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_bulks_account_id"),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name="fk_bulks_release_id"),
        sa.PrimaryKeyConstraint("id", name="pk_bulks"),
    )
    op.create_index("ix_bulks_account_id_id", "bulks", ["account_id", "id"])
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("bulk_id", sa.Uuid(), nullable=True))
        jobs.add_column(sa.Column("custom_id", sa.String(length=128), nullable=True))
        jobs.create_foreign_key("fk_jobs_bulk_id", "bulks", ["bulk_id"], ["id"])
    for name in _OLD:
        op.drop_index(name, table_name="jobs")
    _index("ix_jobs_unfinished", ["release_id", "state"], "finished_at IS NULL")
    _index("ix_jobs_leased", ["leased_until"], "leased_until IS NOT NULL")
    _index("ix_jobs_sent", ["release_id", "send_again_at"], "send_again_at IS NOT NULL")
    _index("ix_jobs_bulk_id_id", ["bulk_id", "id"], "bulk_id IS NOT NULL")
    columns = ["release_id", "account_id", "id"]
    _index("ix_jobs_held_interactive", columns, f"{_HELD} AND bulk_id IS NULL")
    _index("ix_jobs_held_bulk", columns, f"{_HELD} AND bulk_id IS NOT NULL")


def _index(name: str, columns: list[str], where: str) -> None:
    op.create_index(
        name, "jobs", columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where)
    )


def downgrade() -> None:
    for name in ("held_bulk", "held_interactive", "bulk_id_id", "sent", "leased", "unfinished"):
        op.drop_index(f"ix_jobs_{name}", table_name="jobs")
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_constraint("fk_jobs_bulk_id", type_="foreignkey")
        jobs.drop_column("custom_id")
        jobs.drop_column("bulk_id")
    for name, columns in _OLD.items():
        op.create_index(name, "jobs", columns)
    op.drop_index("ix_bulks_account_id_id", table_name="bulks")
    op.drop_table("bulks")
