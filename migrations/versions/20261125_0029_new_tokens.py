"""Outputs say how many tokens they have while they are being generated.

Those that were generated before say how many they came to.

Revision: 0029
Follows: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0023"


def upgrade() -> None:
    with op.batch_alter_table("outputs") as outputs:
        outputs.add_column(sa.Column("new_tokens", sa.Integer(), nullable=True, comment="so far"))
    op.execute(
        "UPDATE outputs SET new_tokens = json_array_length(token_ids) WHERE token_ids IS NOT NULL"
    )


def downgrade() -> None:
    with op.batch_alter_table("outputs") as outputs:
        outputs.drop_column("new_tokens")
