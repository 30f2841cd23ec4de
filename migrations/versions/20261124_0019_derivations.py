"""How the files of a release were made of pickled originals, which are kept as evidence.

Releases of the revision before have none: what they serve is what was registered. Nothing
refers to the tables, and the code of the revision before keeps working without them.

Revision: 0019
Follows: 0024
"""

import sqlalchemy as sa
from alembic import op

from registry.db.tables import UTCDateTime

revision = "0019"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "derivations",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("evidence_digest", sa.String(length=64), nullable=False),
        sa.Column("layout", sa.String(length=20), nullable=False, comment="of the originals"),
        sa.Column("converter", sa.String(length=64), nullable=False),
        sa.Column("rules_version", sa.Integer(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("derived_at", UTCDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name="fk_derivations_release_id"),
        sa.PrimaryKeyConstraint("id", name="pk_derivations"),
        sa.UniqueConstraint("release_id", name="uq_derivations_release_id"),
    )
    op.create_index("ix_derivations_evidence_digest", "derivations", ["evidence_digest"])
    op.create_table(
        "evidence_files",
        sa.Column("derivation_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("blake3", sa.String(length=64), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["derivation_id"], ["derivations.id"], name="fk_evidence_files_derivation_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_evidence_files"),
        sa.UniqueConstraint("derivation_id", "path", name="uq_evidence_files_derivation_id_path"),
    )


def downgrade() -> None:
    op.drop_table("evidence_files")
    op.drop_index("ix_derivations_evidence_digest", table_name="derivations")
    op.drop_table("derivations")
