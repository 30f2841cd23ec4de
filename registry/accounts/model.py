"""Accounts and tokens."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from registry.db.tables import Row


class Role(StrEnum):
    """What an account may do."""

    RESEARCHER = "researcher"
    REVIEWER = "reviewer"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Account(Row):
    """A person, or a service that acts for one."""

    __tablename__ = "accounts"

    handle: Mapped[str] = mapped_column(String(64), unique=True)
    roles: Mapped[list[str]]
    created_at: Mapped[datetime]

    def has(self, role: Role) -> bool:
        """Return whether the account has this role."""
        return role.value in self.roles


class Token(Row):
    """A bearer token. The secret itself is shown once and never stored."""

    __tablename__ = "tokens"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    prefix: Mapped[str] = mapped_column(String(16), comment="the start of it, to recognise it by")
    secret_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
