"""Bulks: accept many jobs in one transaction, count them by state, cancel them together.

A bulk has one entry in the ledger, with the digest of the lines as they came, and its jobs have
entries from their first move on. A job knows its bulk, so what a bulk is, its jobs say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from registry.access.gate import admit
from registry.access.model import Scope
from registry.accounts.model import Account
from registry.clock import now
from registry.db.paging import Page, paged
from registry.errors import JobMoved, UnknownBulk
from registry.jobs.intake import Line, make_jobs
from registry.jobs.model import Bulk, Job
from registry.jobs.states import JobState, is_final
from registry.ledger import service as ledger
from registry.releases.model import Release

INSERTED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the jobs of a bulk are.

    Attributes:
        counts: How many are in each state.
        finished_at: When the last one ended, once all have.
    """

    counts: dict[JobState, int]
    finished_at: datetime | None


def submit(
    session: Session, *, account: Account, release: Release, lines: Sequence[Line], sha256: str
) -> Bulk:
    """Accept a bulk with its jobs, all held. The caller has checked every line.

    Raises:
        Refused: ``admit`` says no; the error says why and what to do next.
    """
    approval = admit(session, account_id=account.id, release_id=release.id, scope=Scope.GENERATE)
    bulk = Bulk(
        account_id=account.id,
        release_id=release.id,
        release_digest=release.digest,
        jobs=len(lines),
        lines_sha256=sha256,
        created_at=now(),
    )
    session.add(bulk)
    session.flush()
    for start in range(0, len(lines), INSERTED_AT_ONCE):
        make_jobs(
            session,
            account=account,
            release=release,
            lines=lines[start : start + INSERTED_AT_ONCE],
            bulk_id=bulk.id,
        )
    ledger.record(
        session,
        actor=account.handle,
        action="bulk.submitted",
        subject=str(bulk.id),
        digest=release.digest,
        approval=str(approval.id),
        jobs=bulk.jobs,
        lines_sha256=sha256,
    )
    return bulk


def owned(session: Session, identifier: UUID, *, owner: Account) -> Bulk:
    """Return a bulk of this researcher's.

    Raises:
        UnknownBulk: There is none, or it is somebody else's.
    """
    bulk = session.get(Bulk, identifier)
    if bulk is None or bulk.account_id != owner.id:
        raise UnknownBulk(identifier)
    return bulk


def page(session: Session, *, owner: Account, limit: int, cursor: str | None) -> Page[Bulk]:
    """Return a researcher's bulks, newest first."""
    query = select(Bulk).where(Bulk.account_id == owner.id)
    return paged(session, query, Bulk, limit=limit, cursor=cursor)


def progress(session: Session, bulk: Bulk) -> Progress:
    """Count the jobs of a bulk by state."""
    found = session.execute(
        select(Job.state, func.count(), func.max(Job.finished_at))
        .where(Job.bulk_id == bulk.id)
        .group_by(Job.state)
    ).all()
    counts = dict.fromkeys(JobState, 0) | {row[0]: row[1] for row in found}
    ended = all(is_final(row[0]) for row in found)
    ends = [row[2] for row in found if row[2] is not None]
    return Progress(counts, max(ends, default=None) if ended else None)


def ended(session: Session, bulk: Bulk, *, after: UUID | None, limit: int) -> Sequence[Job]:
    """Return jobs of a bulk that have ended, in the order of its lines, after one of them."""
    query = select(Job).where(Job.bulk_id == bulk.id, Job.finished_at.is_not(None))
    if after is not None:
        query = query.where(Job.id > after)
    return session.scalars(query.order_by(Job.id).limit(limit)).all()


def cancel(session: Session, bulk: Bulk, *, actor: str) -> int:
    """Stop every job of a bulk that has not ended; return how many.

    Whatever its state is, a job that has not ended may be cancelled, so one statement is the
    compare-and-swap of them all, and one entry in the ledger tells it.

    Raises:
        JobMoved: All have ended.
    """
    swapped = session.execute(
        update(Job)
        .where(Job.bulk_id == bulk.id, Job.finished_at.is_(None))
        .values(
            state=JobState.CANCELLED,
            moved_at=now(),
            finished_at=now(),
            lease_owner=None,
            leased_until=None,
            sends=0,
            send_again_at=None,
        )
        .execution_options(synchronize_session=False)
    )
    moved = cast("CursorResult[Any]", swapped).rowcount
    if not moved:
        raise JobMoved(f"every job of bulk {bulk.id} has ended already", bulk=str(bulk.id))
    ledger.record(session, actor=actor, action="bulk.cancelled", subject=str(bulk.id), jobs=moved)
    return moved
