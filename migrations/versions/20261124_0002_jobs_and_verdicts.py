"""Jobs, outputs, verdicts and reviews.

An output leaves ``pending`` only with a verdict of its own, and verdicts are append-only:
the database refuses anything else.

Revision: 0002
Follows: 0001
"""

import sqlalchemy as sa
from alembic import op

from migrations.triggers import allow_changes, refuse_changes
from registry.db.tables import UTCDateTime

revision = "0002"
down_revision = "0001"

APPEND_ONLY = ("verdicts",)


def upgrade() -> None:
    op.create_table(
        "verdicts",
        sa.Column("output_id", sa.Uuid(), nullable=False),
        sa.Column(
            "output_sha256", sa.String(length=64), nullable=False, comment="of the text in UTF-8"
        ),
        sa.Column("release_digest", sa.String(length=64), nullable=False),
        sa.Column("policy_digest", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.String(length=20), nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("flagged_by", sa.JSON(), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("windows", sa.Integer(), nullable=False),
        sa.Column("characters", sa.Integer(), nullable=False),
        sa.Column("given_at", UTCDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_verdicts"),
        sa.UniqueConstraint("id", "output_id", name="uq_verdicts_id_output_id"),
    )
    op.create_index("ix_verdicts_output_id", "verdicts", ["output_id"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("release_digest", sa.String(length=64), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "generating",
                "scoring",
                "done",
                "failed",
                "cancelled",
                name="jobstate",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("max_new_tokens", sa.Integer(), nullable=False),
        sa.Column("temperature", sa.Float(), nullable=False),
        sa.Column("top_p", sa.Float(), nullable=False),
        sa.Column("top_k", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("stop", sa.JSON(), nullable=False),
        sa.Column("echo", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("moved_at", UTCDateTime(), nullable=False),
        sa.Column("finished_at", UTCDateTime(), nullable=True),
        sa.Column("failure_code", sa.String(length=50), nullable=True),
        sa.Column("failure_detail", sa.Text(), nullable=True),
        sa.Column(
            "attempts",
            sa.Integer(),
            nullable=False,
            comment="leases taken to generate, then to score",
        ),
        sa.Column("lease_owner", sa.String(length=100), nullable=True),
        sa.Column("leased_until", UTCDateTime(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("sends", sa.Integer(), nullable=False, comment="messages sent in this state"),
        sa.Column("send_again_at", UTCDateTime(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_jobs_account_id"),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name="fk_jobs_release_id"),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
    )
    op.create_index("ix_jobs_account_id_id", "jobs", ["account_id", "id"], unique=False)
    op.create_index("ix_jobs_state_leased_until", "jobs", ["state", "leased_until"], unique=False)
    op.create_index("ix_jobs_state_send_again_at", "jobs", ["state", "send_again_at"], unique=False)
    op.create_table(
        "outputs",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "released",
                "flagged",
                "withheld",
                name="outputstate",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("text", sa.Text(), nullable=True, comment="unset until generated"),
        sa.Column("token_ids", sa.JSON(), nullable=True),
        sa.Column("finish_reason", sa.String(length=20), nullable=True),
        sa.Column("verdict_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state = 'pending' OR verdict_id IS NOT NULL",
            name="ck_outputs_nothing_leaves_pending_unscored",
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_outputs_job_id"),
        sa.ForeignKeyConstraint(
            ["verdict_id", "id"],
            ["verdicts.id", "verdicts.output_id"],
            name="fk_outputs_verdict_id_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_outputs"),
        sa.UniqueConstraint("job_id", "index", name="uq_outputs_job_id_index"),
    )
    op.create_table(
        "reviews",
        sa.Column("output_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "claimed",
                "released",
                "withheld",
                name="reviewstate",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        sa.Column("claimed_by", sa.String(length=64), nullable=True),
        sa.Column("claimed_at", UTCDateTime(), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", UTCDateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["output_id"], ["outputs.id"], name="fk_reviews_output_id"),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
        sa.UniqueConstraint("output_id", name="uq_reviews_output_id"),
    )
    op.create_index("ix_reviews_state", "reviews", ["state"], unique=False)
    refuse_changes(op.get_bind(), APPEND_ONLY)


def downgrade() -> None:
    allow_changes(op.get_bind(), APPEND_ONLY)
    op.drop_index("ix_reviews_state", table_name="reviews")
    op.drop_table("reviews")
    op.drop_table("outputs")
    op.drop_index("ix_jobs_state_send_again_at", table_name="jobs")
    op.drop_index("ix_jobs_state_leased_until", table_name="jobs")
    op.drop_index("ix_jobs_account_id_id", table_name="jobs")
    op.drop_table("jobs")
    op.drop_index("ix_verdicts_output_id", table_name="verdicts")
    op.drop_table("verdicts")
