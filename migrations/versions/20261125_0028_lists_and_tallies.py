"""Indexes that a query needs, none that no query does, and the ledger's entries by action.

Nobody scans finished jobs, decided reviews or released outputs any more. Workers and schedules
of the revision before sequence without counting, so stop schedules before this.

Revision: 0028
Follows: 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0029"

_UNUSED = {
    "ix_derivations_evidence_digest": ("derivations", ["evidence_digest"]),
    "ix_releases_tensor_root": ("releases", ["tensor_root"]),
    "ix_releases_tensor_root_bf16": ("releases", ["tensor_root_bf16"]),
    "ix_reviews_state": ("reviews", ["state"]),
    "ix_tokens_account_id": ("tokens", ["account_id"]),
    "ix_verdicts_output_id": ("verdicts", ["output_id"]),
}
_NEEDED = {
    "ix_jobs_account_id_state_id": ("jobs", ["account_id", "state", "id"]),
    "ix_jobs_account_id_release_id_id": ("jobs", ["account_id", "release_id", "id"]),
    "ix_reviews_state_severity_id": ("reviews", ["state", "severity", "id"]),
    "ix_reviews_severity_id": ("reviews", ["severity", "id"]),
}


def upgrade() -> None:
    op.create_table(
        "ledger_tallies",
        sa.Column("action", sa.String(length=50), nullable=False),
        sa.Column(
            "entries", sa.BigInteger(), nullable=False, comment="that have a place in the tree"
        ),
        sa.PrimaryKeyConstraint("action", name="pk_ledger_tallies"),
    )
    op.execute(
        "INSERT INTO ledger_tallies (action, entries) SELECT action, count(*) "
        "FROM ledger_entries JOIN ledger_leaves ON ledger_leaves.id = ledger_entries.id "
        "GROUP BY action"
    )
    for name, (table, _) in _UNUSED.items():
        op.drop_index(name, table_name=table)
    for name, (table, columns) in _NEEDED.items():
        op.create_index(name, table, columns)


def downgrade() -> None:
    for name, (table, _) in _NEEDED.items():
        op.drop_index(name, table_name=table)
    for name, (table, columns) in _UNUSED.items():
        op.create_index(name, table, columns)
    op.drop_table("ledger_tallies")
