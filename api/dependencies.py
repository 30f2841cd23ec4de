"""What routes ask for: a unit of work, the settings, the queue.

``Reads`` and ``Writes`` end before the answer is sent, so an answer never precedes its
commit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Depends, Query, Request

from api.counting import TokenCounter
from api.following import Following
from api.metrics import Metrics
from registry.db.paging import PAGE_LIMIT
from registry.db.session import Database, Session
from registry.settings import Settings
from workers.dispatch import Dispatcher


@dataclass(frozen=True, slots=True)
class Doors:
    """What this process works with, made once by ``create_app``."""

    settings: Settings
    database: Database
    dispatcher: Dispatcher
    counter: TokenCounter
    following: Following
    metrics: Metrics
    ledger_key: Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Place:
    """Which page of a listing is asked for."""

    limit: int
    cursor: str | None


def doors(request: Request) -> Doors:
    """Return what this process works with."""
    return cast("Doors", request.app.state.doors)


AllDoors = Annotated[Doors, Depends(doors)]


def writing(parts: AllDoors) -> Iterator[Session]:
    """Open a unit of work that commits when the route returns."""
    with parts.database.transaction() as session:
        yield session


def reading(parts: AllDoors) -> Iterator[Session]:
    """Open a unit of work that only reads."""
    with parts.database.reading() as session:
        yield session


def place(
    limit: Annotated[int, Query(ge=1, le=PAGE_LIMIT, description="Items on a page.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=64, description="`next_cursor` of the page before.")
    ] = None,
) -> Place:
    """Return which page is asked for."""
    return Place(limit, cursor)


Writes = Annotated[Session, Depends(writing, scope="function")]
Reads = Annotated[Session, Depends(reading, scope="function")]
Paging = Annotated[Place, Depends(place)]
