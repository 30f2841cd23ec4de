"""Generating workers report which releases they hold in memory, and which they load.

Nothing refers to the table, and workers of the revision before keep working without it.

Revision: 0026
Follows: 0030
"""

import sqlalchemy as sa
from alembic import op

from registry.db.tables import UTCDateTime

revision = "0026"
down_revision = "0030"


def upgrade() -> None:
    op.create_table(
        "residents",
        sa.Column("worker", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column(
            "size_bytes", sa.BigInteger(), nullable=False, comment="of memory, with its cache"
        ),
        sa.Column("is_loading", sa.Boolean(), nullable=False),
        sa.Column("done_bytes", sa.BigInteger(), nullable=False, comment="read and verified"),
        sa.Column("total_bytes", sa.BigInteger(), nullable=False, comment="of its files"),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_residents"),
        sa.UniqueConstraint("worker", "digest", name="uq_residents_worker_digest"),
    )


def downgrade() -> None:
    op.drop_table("residents")
