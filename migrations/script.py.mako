"""${message}.

Say what the old code does while this is deployed.

Revision: ${up_revision}
Follows: ${down_revision or "nothing"}
"""

import sqlalchemy as sa
from alembic import op

import registry.db.tables

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
