"""Notes, severities, second reviews and screened prompts.

Rows that are there mean what they meant: a policy without second reviews that refuses no
prompt, a review that one person decides, a verdict that noted nothing.

Workers of the revision before do not ask whether a prompt may be answered, and open every review
for one person: stop them before a policy that says otherwise is adopted.

Revision: 0003
Follows: 0002
"""

import sqlalchemy as sa
from alembic import op

from migrations.triggers import allow_changes, refuse_changes
from registry.db.tables import UTCDateTime

revision = "0003"
down_revision = "0002"

APPEND_ONLY = ("review_decisions", "prompt_verdicts")


def upgrade() -> None:
    op.add_column(
        "policies",
        sa.Column(
            "second_reviews",
            sa.Float(),
            nullable=False,
            server_default="0",
            comment="share of reviews in which a release needs two reviewers",
        ),
    )
    op.add_column(
        "policies",
        sa.Column(
            "refuses_prompts",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="whether nothing is generated from a prompt that the rules flag",
        ),
    )
    op.add_column(
        "verdicts", sa.Column("noted", sa.JSON(), nullable=False, server_default=sa.text("'[]'"))
    )
    # In one statement, because SQLite adds no constraint to a column that is there.
    op.execute(
        "ALTER TABLE reviews ADD COLUMN severity VARCHAR(20) DEFAULT 'medium' NOT NULL "
        "CONSTRAINT ck_reviews_severity CHECK (severity IN ('low', 'medium', 'high'))"
    )
    op.add_column(
        "reviews",
        sa.Column(
            "reviewers_needed",
            sa.Integer(),
            nullable=False,
            server_default="1",
            comment="how many people must say release",
        ),
    )
    op.create_table(
        "review_decisions",
        sa.Column("review_id", sa.Uuid(), nullable=False),
        sa.Column(
            "decision",
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
        sa.Column("decided_by", sa.String(length=64), nullable=False),
        sa.Column("decided_at", UTCDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["review_id"], ["reviews.id"], name="fk_review_decisions_review_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_review_decisions"),
        sa.UniqueConstraint(
            "review_id",
            "decided_by",
            "decision",
            name="uq_review_decisions_review_id_decided_by_decision",
        ),
    )
    op.create_table(
        "prompt_verdicts",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column(
            "prompt_sha256", sa.String(length=64), nullable=False, comment="of the prompt in UTF-8"
        ),
        sa.Column("policy_digest", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.String(length=20), nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("flagged_by", sa.JSON(), nullable=False),
        sa.Column("noted", sa.JSON(), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("windows", sa.Integer(), nullable=False),
        sa.Column("characters", sa.Integer(), nullable=False),
        sa.Column("given_at", UTCDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_prompt_verdicts_job_id"),
        sa.PrimaryKeyConstraint("id", name="pk_prompt_verdicts"),
        sa.UniqueConstraint(
            "job_id", "policy_digest", name="uq_prompt_verdicts_job_id_policy_digest"
        ),
    )
    refuse_changes(op.get_bind(), APPEND_ONLY)


def downgrade() -> None:
    allow_changes(op.get_bind(), APPEND_ONLY)
    op.drop_table("prompt_verdicts")
    op.drop_table("review_decisions")
    op.drop_column("reviews", "reviewers_needed")
    op.drop_column("reviews", "severity")
    op.drop_column("verdicts", "noted")
    op.drop_column("policies", "refuses_prompts")
    op.drop_column("policies", "second_reviews")
