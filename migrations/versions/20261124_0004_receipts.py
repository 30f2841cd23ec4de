"""Signed receipts, the keys that sign them, and no release without one.

An output that was released before receipts existed has none, and nobody can honestly sign one
for it afterwards. So this revision refuses a database that holds such an output, and changes
nothing in it: keep it with the version that made it, and begin with an empty one. Outputs that
were flagged stay as they are; they can be withheld, not released.

Workers of the revision before cannot settle an output any more: stop them first.

Revision: 0004
Follows: 0003
"""

import sqlalchemy as sa
from alembic import op

from migrations.triggers import allow_changes, refuse_changes
from registry.db.tables import UTCDateTime
from registry.errors import Refused

revision = "0004"
down_revision = "0003"

APPEND_ONLY = ("receipt_keys", "receipts")


def upgrade() -> None:
    _check_nothing_is_released()
    op.create_table(
        "receipt_keys",
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("pem", sa.Text(), nullable=False),
        sa.Column("enrolled_at", UTCDateTime(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["ledger_entries.id"], name="fk_receipt_keys_entry_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_receipt_keys"),
        sa.UniqueConstraint("key_id", name="uq_receipt_keys_key_id"),
    )
    op.create_table(
        "receipts",
        sa.Column("output_id", sa.Uuid(), nullable=False),
        sa.Column("verdict_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False, comment="canonical JSON, as it was signed"),
        sa.Column("payload_sha256", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=88), nullable=False, comment="Ed25519, base64"),
        sa.Column("signed_at", UTCDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["receipt_keys.key_id"], name="fk_receipts_key_id"),
        sa.ForeignKeyConstraint(
            ["verdict_id", "output_id"],
            ["verdicts.id", "verdicts.output_id"],
            name="fk_receipts_verdict_id_output_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_receipts"),
        sa.UniqueConstraint("verdict_id", name="uq_receipts_verdict_id"),
        sa.UniqueConstraint("id", "output_id", name="uq_receipts_id_output_id"),
    )
    with op.batch_alter_table("outputs") as outputs:
        outputs.add_column(sa.Column("receipt_id", sa.Uuid(), nullable=True))
        outputs.create_check_constraint(
            "ck_outputs_no_release_without_receipt",
            "state <> 'released' OR receipt_id IS NOT NULL",
        )
        outputs.create_foreign_key(
            "fk_outputs_receipt_id_id", "receipts", ["receipt_id", "id"], ["id", "output_id"]
        )
    refuse_changes(op.get_bind(), APPEND_ONLY)


def downgrade() -> None:
    allow_changes(op.get_bind(), APPEND_ONLY)
    with op.batch_alter_table("outputs") as outputs:
        outputs.drop_constraint("fk_outputs_receipt_id_id", type_="foreignkey")
        outputs.drop_constraint("ck_outputs_no_release_without_receipt", type_="check")
        outputs.drop_column("receipt_id")
    op.drop_table("receipts")
    op.drop_table("receipt_keys")


def _check_nothing_is_released() -> None:
    query = sa.text("SELECT count(*) FROM outputs WHERE state = 'released'")
    released = op.get_bind().execute(query).scalar_one()
    if released:
        raise Refused(
            f"{released} outputs of these records were released without a receipt, and none can "
            "be signed for them afterwards: keep these records with the version that made them, "
            "and let this one begin with an empty database or another CORRAL_DATA_DIR"
        )
