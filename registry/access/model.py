"""Access requests, the messages on them, and approvals."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from registry.db.tables import Row, stored_enum


class RequestState(StrEnum):
    """Where an access request is."""

    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"


class Scope(StrEnum):
    """What an approval covers."""

    GENERATE = "generate"


class AccessRequest(Row):
    """A researcher asks to use a release for a purpose.

    ``state`` is written by ``registry.access.service`` alone.
    """

    __tablename__ = "access_requests"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), index=True)
    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"))
    state: Mapped[RequestState] = mapped_column(stored_enum(RequestState), index=True)
    purpose: Mapped[str] = mapped_column(Text)
    affiliation: Mapped[str] = mapped_column(Text)
    intended_use: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text, default="")


class AccessMessage(Row):
    """A line in the conversation about an access request."""

    __tablename__ = "access_messages"

    request_id: Mapped[UUID] = mapped_column(ForeignKey("access_requests.id"), index=True)
    author: Mapped[str] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class Approval(Row):
    """The yes: who, which release, which scopes, until when."""

    __tablename__ = "approvals"
    __table_args__ = (Index("ix_approvals_account_id_release_id", "account_id", "release_id"),)

    request_id: Mapped[UUID] = mapped_column(ForeignKey("access_requests.id"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"))
    scopes: Mapped[list[str]]
    approved_by: Mapped[str] = mapped_column(String(64))
    approved_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None] = mapped_column(String(64))
    revoke_reason: Mapped[str] = mapped_column(Text, default="")
