"""Listings in pages, newest first, with a cursor that stays right while rows are added.

A listing may have a rank: a few steps that come before the newest.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select
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


@dataclass(frozen=True, slots=True)
class Rank(Generic[R]):
    """What comes before the newest: steps, which are read one after the other.

    Each step is a range of an index, so a page costs the same however many rows there are.

    Attributes:
        steps: What holds of the rows of each step, the first step first; at most 256.
        of: The step of a row that was read, from 0.
    """

    steps: Sequence[ColumnElement[bool]]
    of: Callable[[R], int]


def paged(
    session: Session,
    query: Select[R],
    kind: type[R],
    *,
    limit: int,
    cursor: str | None,
    rank: Rank[R] | None = None,
) -> Page[R]:
    """Run ``query`` for one page.

    Raises:
        BadCursor: The cursor was not made by such a listing.
    """
    reached, identifier = (0, None) if cursor is None else _decode(cursor, ranked=rank is not None)
    rows: list[R] = []
    for step in [query] if rank is None else [query.where(each) for each in rank.steps[reached:]]:
        older = step if identifier is None else step.where(kind.id < identifier)
        identifier = None  # it is of the first step that is read
        rows += session.scalars(older.order_by(kind.id.desc()).limit(limit + 1 - len(rows)))
        if len(rows) > limit:
            break
    more = len(rows) > limit
    return Page(rows[:limit], _encode(rows[limit - 1], rank) if more else None)


def _encode(last: R, rank: Rank[R] | None) -> str:
    place = last.id.bytes + (bytes([rank.of(last)]) if rank is not None else b"")
    return base64.urlsafe_b64encode(place).decode().rstrip("=")


def _decode(cursor: str, *, ranked: bool) -> tuple[int, UUID | None]:
    """Return the step, 0 where there is none, and the identifier that the last page ended with."""
    try:
        place = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return (place[-1], UUID(bytes=place[:-1])) if ranked else (0, UUID(bytes=place))
    except (binascii.Error, ValueError, IndexError) as error:
        raise BadCursor("the cursor is not one of ours: start again without it") from error
