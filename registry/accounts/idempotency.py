"""What a key made the first time, so that a repeated POST makes nothing."""

import hashlib
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint, bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from registry.accounts.model import Account
from registry.clock import now
from registry.db.tables import Row
from registry.errors import IdempotencyInProgress, IdempotencyMismatch


class IdempotencyKey(Row):
    """One key of one account on one route, and what it made."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("account_id", "route", "key"),)

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    route: Mapped[str] = mapped_column(String(50))
    key: Mapped[str] = mapped_column(String(255))
    body_sha256: Mapped[str] = mapped_column(String(64))
    made_id: Mapped[UUID]
    made_at: Mapped[datetime]


_MADE = select(IdempotencyKey).where(
    IdempotencyKey.account_id == bindparam("of_account"),
    IdempotencyKey.route == bindparam("of_route"),
    IdempotencyKey.key == bindparam("of_key"),
)


def made_before(
    session: Session, *, account: Account, route: str, key: str, body: bytes
) -> UUID | None:
    """Return what this key made earlier, or ``None`` the first time.

    Raises:
        IdempotencyMismatch: The key came with another body then.
    """
    row = session.scalar(_MADE, {"of_account": account.id, "of_route": route, "of_key": key})
    if row is None:
        return None
    if row.body_sha256 != hashlib.sha256(body).hexdigest():
        raise IdempotencyMismatch(
            "this Idempotency-Key came with another body before: use a new key", key=key
        )
    return row.made_id


def remember(
    session: Session, *, account: Account, route: str, key: str, body: bytes, made_id: UUID
) -> None:
    """Write what a key made, in the transaction that made it.

    Raises:
        IdempotencyInProgress: Another request with the same key was quicker.
    """
    session.add(
        IdempotencyKey(
            account_id=account.id,
            route=route,
            key=key,
            body_sha256=hashlib.sha256(body).hexdigest(),
            made_id=made_id,
            made_at=now(),
        )
    )
    try:
        session.flush()
    except IntegrityError as error:
        raise IdempotencyInProgress(
            "another request with this Idempotency-Key is under way: repeat it in a second",
            key=key,
        ) from error
