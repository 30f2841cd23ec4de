"""Sketches of outputs, so that near-copies of one researcher's outputs are found.

Outputs that were sealed before have none and count for nothing; a worker of the release before
writes none.

Revision: 0005
Follows: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "sketches",
        sa.Column("output_id", sa.Uuid(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("slots", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["output_id"], ["outputs.id"], name="fk_sketches_output_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sketches"),
        sa.UniqueConstraint("output_id", name="uq_sketches_output_id"),
    )
    op.create_table(
        "sketch_bands",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("band", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sketch_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_sketch_bands_account_id"),
        sa.ForeignKeyConstraint(["sketch_id"], ["sketches.id"], name="fk_sketch_bands_sketch_id"),
        sa.PrimaryKeyConstraint("account_id", "band", "sketch_id", name="pk_sketch_bands"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("sketch_bands")
    op.drop_table("sketches")
