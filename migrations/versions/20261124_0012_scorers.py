"""Scoring workers report whether their filters are fit.

Nothing refers to the table, and workers of the revision before keep working without it.

Revision: 0012
Follows: 0005
"""

import sqlalchemy as sa
from alembic import op

from registry.db.tables import UTCDateTime

revision = "0012"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "scorers",
        sa.Column("worker", sa.String(length=100), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "in_service",
                "out_of_service",
                name="scorerstate",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=40), nullable=True, comment="a stable word"),
        sa.Column("detail", sa.Text(), nullable=True, comment="a sentence; never a text"),
        sa.Column("checked_at", UTCDateTime(), nullable=True, comment="its canaries last passed"),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scorers"),
        sa.UniqueConstraint("worker", name="uq_scorers_worker"),
    )


def downgrade() -> None:
    op.drop_table("scorers")
