"""Listings in pages, newest first, with a cursor that stays right while rows are added."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.orm import Session

from registry.db.tables import Row
from registry.errors import BadCursor

PAGE_LIMIT = 200

R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """One page of a listing.

    Attributes:
        rows: At most the number asked for, newest first.
        next_cursor: Pass it back for the next page; ``None`` on the last one.
    """

    rows: Sequence[R]
    next_cursor: str | None


def paged(
    session: Session, query: Select[R], kind: type[R], *, limit: int, cursor: str | None
) -> Page[R]:
    """Run ``query`` for one page.

    Raises:
        BadCursor: The cursor was not made by a listing.
    """
    if cursor is not None:
        query = query.where(kind.id < _decode(cursor))
    rows = session.scalars(query.order_by(kind.id.desc()).limit(limit + 1)).all()
    more = len(rows) > limit
    return Page(rows[:limit], _encode(rows[limit - 1].id) if more else None)


def _encode(identifier: UUID) -> str:
    return base64.urlsafe_b64encode(identifier.bytes).decode().rstrip("=")


def _decode(cursor: str) -> UUID:
    try:
        return UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise BadCursor("the cursor is not one of ours: start again without it") from error
