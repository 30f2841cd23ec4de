"""What every table has in common.

Identifiers are UUIDs of version 7: their order is the order in which a process made them,
and that of the clocks between processes, so listings page by identifier alone.

Source of the identifier's layout: RFC 9562, section 5.7 and section 6.2, method 3.
"""

import secrets
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import JSON, DateTime, Dialect, Enum, MetaData, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class _Clock:
    """Counts 1/4096 milliseconds, and never the same one twice in this process."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def tick(self) -> int:
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() * 4096 // 1_000_000)
            return self._last


_CLOCK = _Clock()


def new_id() -> UUID:
    """Return a new identifier: 60 bits of time, which only grow in a process, and 62 random."""
    milliseconds, fraction = divmod(_CLOCK.tick(), 4096)
    value = milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0x2 << 62 | secrets.randbits(62)
    return UUID(int=value)


def first_id(at: datetime) -> UUID:
    """Return the least identifier that a row made at this time, or later, can have."""
    milliseconds = int(at.timestamp() * 1000)
    return UUID(int=milliseconds << 80)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware time, stored in UTC with microseconds on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; a naive time is a programmer's error."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware time; SQLite gives naive ones back."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def stored_enum(kind: type[StrEnum]) -> Enum:
    """Return a column that stores an enum's values as short strings, which a CHECK limits."""
    return Enum(
        kind,
        name=kind.__name__.lower(),
        native_enum=False,
        create_constraint=True,
        length=20,
        values_callable=_values,
    )


def _values(kind: Iterable[StrEnum]) -> list[str]:
    return [member.value for member in kind]


class Row(DeclarativeBase):
    """A row with a time-ordered identifier."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UTCDateTime(),
        dict[str, Any]: JSON(),
        list[dict[str, Any]]: JSON(),
        list[str]: JSON(),
        list[int]: JSON(),
    }

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
