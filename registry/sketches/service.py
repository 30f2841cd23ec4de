"""Remember the sketches of outputs, and find those that may be near-copies."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import Select, bindparam, insert, select, union_all
from sqlalchemy.orm import Session

from registry.db.tables import first_id
from registry.sketches.model import BANDS, SketchRecord

BAND_LIMIT = 200
"""Newest sketches that are found under one band: a count beyond it would decide nothing more."""

_BANDS_AT_ONCE = 200  # SQLite joins at most 500 queries.


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is to be remembered of one output.

    Attributes:
        account_id: Its researcher.
        output_id: The output.
        signature: Of its shape.
        slots: Of what fills its shape.
        bands: Under which it is found.
    """

    account_id: UUID
    output_id: UUID
    signature: bytes
    slots: bytes
    bands: tuple[int, ...]


def remember(session: Session, sketches: Sequence[Remembered]) -> None:
    """Write the sketches of outputs that are sealed in this transaction."""
    rows = [
        SketchRecord(output_id=each.output_id, signature=each.signature, slots=each.slots)
        for each in sketches
    ]
    session.add_all(rows)
    session.flush()
    bands = [
        {"account_id": each.account_id, "band": band, "sketch_id": row.id}
        for row, each in zip(rows, sketches, strict=True)
        for band in sorted(set(each.bands))
    ]
    if bands:
        session.execute(insert(BANDS), bands)


def of_outputs(session: Session, output_ids: Collection[UUID]) -> Sequence[SketchRecord]:
    """Return the sketches of these outputs; some may have none."""
    query = select(SketchRecord).where(SketchRecord.output_id.in_(output_ids))
    return session.scalars(query).all()


def like(
    session: Session, *, account_id: UUID, bands: Collection[int], since: datetime
) -> list[SketchRecord]:
    """Return what a researcher's outputs since then left under any of the bands.

    Of each band the newest ``BAND_LIMIT`` are read, so the cost does not grow with the table.
    """
    found: dict[UUID, SketchRecord] = {}
    for part in _parts(bands):
        given = {f"band_{number}": band for number, band in enumerate(part)}
        rows = session.scalars(
            _under_any(len(part)), {"account": account_id, "first": first_id(since), **given}
        )
        found.update((row.id, row) for row in rows)
    return list(found.values())


@cache
def _under_any(count: int) -> Select[SketchRecord]:
    """Return the query for so many bands; each of the few that there are is made once."""
    query = union_all(*(_under(f"band_{number}") for number in range(count)))
    return select(SketchRecord).where(SketchRecord.id.in_(query)).order_by(SketchRecord.id)


def _under(band: str) -> Select[tuple[UUID]]:
    newest = (
        select(BANDS.c.sketch_id)
        .where(
            BANDS.c.account_id == bindparam("account"),
            BANDS.c.band == bindparam(band),
            BANDS.c.sketch_id >= bindparam("first"),
        )
        .order_by(BANDS.c.sketch_id.desc())
        .limit(BAND_LIMIT)
        .subquery()
    )
    return select(newest.c.sketch_id)


def _parts(bands: Collection[int]) -> Iterator[list[int]]:
    ordered = sorted(set(bands))
    for start in range(0, len(ordered), _BANDS_AT_ONCE):
        yield ordered[start : start + _BANDS_AT_ONCE]
