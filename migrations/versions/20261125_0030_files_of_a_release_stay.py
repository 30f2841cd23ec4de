"""What files a release has, and what evidence, is never changed or deleted.

Workers load by the hashes in these rows.

Revision: 0030
Follows: 0028
"""

from alembic import op

from migrations.triggers import allow_changes, refuse_changes

revision = "0030"
down_revision = "0028"

_TABLES = ("release_files", "evidence_files")


def upgrade() -> None:
    refuse_changes(op.get_bind(), _TABLES)


def downgrade() -> None:
    allow_changes(op.get_bind(), _TABLES)
