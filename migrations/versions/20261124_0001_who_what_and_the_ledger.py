"""People, releases, access, policies and the ledger.

The ledger is append-only: triggers refuse every update and delete.

Revision: 0001
Follows: nothing
"""

import sqlalchemy as sa
from alembic import op

from migrations.triggers import allow_changes, refuse_changes
from registry.db.tables import UTCDateTime

revision = "0001"
down_revision = None

APPEND_ONLY = ("ledger_entries", "ledger_leaves", "ledger_heads")


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("handle", sa.String(length=64), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("handle", name="uq_accounts_handle"),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("action", sa.String(length=50), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column(
            "facts", sa.Text(), nullable=False, comment="canonical JSON; digests, never texts"
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_entries"),
    )
    op.create_index("ix_ledger_entries_subject", "ledger_entries", ["subject"], unique=False)
    op.create_table(
        "ledger_heads",
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column(
            "frontier", sa.Text(), nullable=False, comment="what appending needs: RFC 6962 subtrees"
        ),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_heads"),
        sa.UniqueConstraint("size", name="uq_ledger_heads_size"),
    )
    op.create_table(
        "policies",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="the TOML text"),
        sa.Column("adopted_at", UTCDateTime(), nullable=False),
        sa.Column("adopted_by", sa.String(length=64), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policies"),
    )
    op.create_table(
        "releases",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "registered",
                "published",
                "quarantined",
                "withdrawn",
                name="releasestate",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("state_reason", sa.Text(), nullable=False),
        sa.Column("layout", sa.String(length=20), nullable=False),
        sa.Column("context_tokens", sa.Integer(), nullable=False),
        sa.Column("license", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("registered_at", UTCDateTime(), nullable=False),
        sa.Column("moved_at", UTCDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_releases"),
        sa.UniqueConstraint("name", name="uq_releases_name"),
    )
    op.create_index("ix_releases_digest", "releases", ["digest"], unique=False)
    op.create_table(
        "access_requests",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "approved",
                "denied",
                "withdrawn",
                name="requeststate",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("affiliation", sa.Text(), nullable=False),
        sa.Column("intended_use", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("decided_at", UTCDateTime(), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_access_requests_account_id"
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.id"], name="fk_access_requests_release_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_access_requests"),
    )
    op.create_index(
        "ix_access_requests_account_id", "access_requests", ["account_id"], unique=False
    )
    op.create_index("ix_access_requests_state", "access_requests", ["state"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("route", sa.String(length=50), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("made_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_idempotency_keys_account_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_idempotency_keys"),
        sa.UniqueConstraint(
            "account_id", "route", "key", name="uq_idempotency_keys_account_id_route_key"
        ),
    )
    op.create_table(
        "ledger_leaves",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("leaf_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["ledger_entries.id"], name="fk_ledger_leaves_id"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_leaves"),
        sa.UniqueConstraint("index", name="uq_ledger_leaves_index"),
    )
    op.create_table(
        "ledger_pending",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["ledger_entries.id"], name="fk_ledger_pending_id"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_pending"),
    )
    op.create_table(
        "release_files",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("blake3", sa.String(length=64), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.id"], name="fk_release_files_release_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_release_files"),
        sa.UniqueConstraint("release_id", "path", name="uq_release_files_release_id_path"),
    )
    op.create_table(
        "tokens",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "prefix",
            sa.String(length=16),
            nullable=False,
            comment="the start of it, to recognise it by",
        ),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("revoked_at", UTCDateTime(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_tokens_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("secret_sha256", name="uq_tokens_secret_sha256"),
    )
    op.create_index("ix_tokens_account_id", "tokens", ["account_id"], unique=False)
    op.create_table(
        "access_messages",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["access_requests.id"], name="fk_access_messages_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_access_messages"),
    )
    op.create_index(
        "ix_access_messages_request_id", "access_messages", ["request_id"], unique=False
    )
    op.create_table(
        "approvals",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("approved_by", sa.String(length=64), nullable=False),
        sa.Column("approved_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("revoked_at", UTCDateTime(), nullable=True),
        sa.Column("revoked_by", sa.String(length=64), nullable=True),
        sa.Column("revoke_reason", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_approvals_account_id"),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name="fk_approvals_release_id"),
        sa.ForeignKeyConstraint(
            ["request_id"], ["access_requests.id"], name="fk_approvals_request_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_approvals"),
    )
    op.create_index(
        "ix_approvals_account_id_release_id",
        "approvals",
        ["account_id", "release_id"],
        unique=False,
    )
    refuse_changes(op.get_bind(), APPEND_ONLY)


def downgrade() -> None:
    allow_changes(op.get_bind(), APPEND_ONLY)
    op.drop_index("ix_approvals_account_id_release_id", table_name="approvals")
    op.drop_table("approvals")
    op.drop_index("ix_access_messages_request_id", table_name="access_messages")
    op.drop_table("access_messages")
    op.drop_index("ix_tokens_account_id", table_name="tokens")
    op.drop_table("tokens")
    op.drop_table("release_files")
    op.drop_table("ledger_pending")
    op.drop_table("ledger_leaves")
    op.drop_table("idempotency_keys")
    op.drop_index("ix_access_requests_state", table_name="access_requests")
    op.drop_index("ix_access_requests_account_id", table_name="access_requests")
    op.drop_table("access_requests")
    op.drop_index("ix_releases_digest", table_name="releases")
    op.drop_table("releases")
    op.drop_table("policies")
    op.drop_table("ledger_heads")
    op.drop_index("ix_ledger_entries_subject", table_name="ledger_entries")
    op.drop_table("ledger_entries")
    op.drop_table("accounts")
