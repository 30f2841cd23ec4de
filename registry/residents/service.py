"""Generating workers report what they hold; others read where a release is in memory."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from registry.clock import now
from registry.residents.model import ResidentRecord

LIVE_SECONDS = 120
"""A worker that is silent for this long is taken for dead."""


@dataclass(frozen=True, slots=True)
class Resident:
    """A release that a worker holds or loads.

    Attributes:
        digest: The release.
        size_bytes: What it takes of memory, its cache included.
        is_loading: Whether it is not there yet.
        done_bytes: How much of its files is read and verified.
        total_bytes: How much there is.
    """

    digest: str
    size_bytes: int
    is_loading: bool
    done_bytes: int
    total_bytes: int


def report(session: Session, *, worker: str, residents: Sequence[Resident]) -> None:
    """Write down all that a worker holds; what it held before, and the dead, are forgotten."""
    session.execute(
        delete(ResidentRecord).where(
            (ResidentRecord.worker == worker) | (ResidentRecord.seen_at < _oldest_live())
        )
    )
    session.add_all(
        ResidentRecord(worker=worker, seen_at=now(), **asdict(each)) for each in residents
    )


def live(session: Session, digests: Collection[str]) -> dict[str, list[ResidentRecord]]:
    """Return for each of these releases the live workers that hold or load it."""
    found: defaultdict[str, list[ResidentRecord]] = defaultdict(list)
    rows = session.scalars(
        select(ResidentRecord)
        .where(ResidentRecord.digest.in_(digests), ResidentRecord.seen_at >= _oldest_live())
        .order_by(ResidentRecord.worker)
    )
    for row in rows:
        found[row.digest].append(row)
    return {digest: found[digest] for digest in digests}


def _oldest_live() -> datetime:
    return now() - timedelta(seconds=LIVE_SECONDS)
