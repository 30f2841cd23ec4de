"""Releases have a digest for each tensor, and the roots over them.

Releases that are there keep neither until they are verified; processes of the revision
before keep registering releases that have none.

Revision: 0020
Follows: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

_ROOTS = ("tensor_root", "tensor_root_bf16")


def upgrade() -> None:
    with op.batch_alter_table("releases") as releases:
        for name in _ROOTS:
            releases.add_column(sa.Column(name, sa.String(length=64), nullable=True))
            releases.create_index(f"ix_releases_{name}", [name])
    op.create_table(
        "release_tensors",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="in canonical order, from 0"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dtype", sa.String(length=10), nullable=False),
        sa.Column("shape", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bf16_sha256", sa.String(length=64), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.id"], name="fk_release_tensors_release_id_releases"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_release_tensors"),
        sa.UniqueConstraint(
            "release_id", "position", name="uq_release_tensors_release_id_position"
        ),
    )


def downgrade() -> None:
    op.drop_table("release_tensors")
    with op.batch_alter_table("releases") as releases:
        for name in _ROOTS:
            releases.drop_index(f"ix_releases_{name}")
            releases.drop_column(name)
