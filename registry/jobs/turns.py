"""Whose turn it is: which jobs that wait get a message next.

A job has a message on its way, or is *held*: nothing was ever sent for it. Rows are the truth,
so a bulk of 50,000 needs no 50,000 messages; it is sent in portions, as the ones before are
taken. What counts is how many messages wait in a queue, not how many jobs are worked on, so
no worker goes idle however many there are.

The rule, for each release and each lane apart:

1. The next place goes to the researcher who has the fewest messages waiting.
2. All researchers together have at most ``room_jobs`` waiting, and each one at most half of it.
3. Whoever has none waiting gets one in any case.

So a job is behind at most half of ``room_jobs`` messages of any other researcher, and nobody
who has jobs is left without a place. The bounds are soft by as many as are chosen at the same
time in several processes.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from registry.clock import now
from registry.jobs.lanes import Lane
from registry.jobs.model import Job
from registry.jobs.states import JobState
from registry.releases.model import Release, ReleaseState

# A portion is worth a transaction once this part of the room is free.
PORTION_PARTS = 4


def order(waiting: Mapping[UUID, int], held: Mapping[UUID, int], *, room_jobs: int) -> list[UUID]:
    """Return whose job is sent next, and next after that, as far as there is room.

    Args:
        waiting: How many messages of each researcher wait already.
        held: How many jobs of each researcher have none yet.
        room_jobs: Messages that may wait.
    """
    has, left, given = Counter(waiting), Counter(held), list[UUID]()
    total = sum(waiting.values())
    while candidates := [each for each in left if left[each] > 0]:
        least = min(candidates, key=lambda each: (has[each], each))
        fits = total < room_jobs and has[least] < _most(room_jobs)
        if not fits and has[least] > 0:
            return given
        given.append(least)
        has[least] += 1
        left[least] -= 1
        total += 1
    return given


def has_room(session: Session, job: Job, *, room_jobs: int) -> bool:
    """Return whether a new job gets its message at once; it is held otherwise."""
    waiting = _waiting(session, job.release_id, job.lane)
    return bool(order(waiting, {job.account_id: 1}, room_jobs=room_jobs))


def is_worth_it(session: Session, release_id: UUID, *, room_jobs: int) -> bool:
    """Return whether a portion is due: much room is free, or somebody has nothing waiting."""
    for lane in Lane:
        held = _held(session, release_id, lane, limit=_most(room_jobs))
        if not held:
            continue
        waiting = _waiting(session, release_id, lane)
        portion = order(waiting, held, room_jobs=room_jobs)
        if len(portion) * PORTION_PARTS >= room_jobs or any(not waiting.get(each) for each in held):
            return True
    return False


def take(session: Session, release_id: UUID, *, room_jobs: int) -> list[Job]:
    """Lock and return the held jobs of a release whose turn it is, in the order of sending."""
    taken: list[Job] = []
    if session.get_one(Release, release_id).state is not ReleaseState.PUBLISHED:
        return taken
    for lane in Lane:
        held = _held(session, release_id, lane, limit=_most(room_jobs))
        if held:
            waiting = _waiting(session, release_id, lane)
            portion = order(waiting, held, room_jobs=room_jobs)
            taken += _oldest(session, release_id, lane, portion)
    return taken


def releases_held_up(session: Session) -> list[UUID]:
    """Return the published releases that have held jobs."""
    published = session.scalars(
        select(Release.id).where(Release.state == ReleaseState.PUBLISHED)
    ).all()
    # One by one: a planner that is asked for all may read every held job.
    return [
        release_id
        for release_id in published
        if any(next(_researchers(session, release_id, lane), None) for lane in Lane)
    ]


def _most(room_jobs: int) -> int:
    return max(1, room_jobs // 2)


def _in_lane(lane: Lane) -> ColumnElement[bool]:
    return Job.bulk_id.is_(None) if lane is Lane.INTERACTIVE else Job.bulk_id.is_not(None)


def _of(release_id: UUID, lane: Lane) -> Select[UUID]:
    """Return a query of the held jobs of a release; its indexes hold no other rows."""
    return select(Job.id).where(
        Job.release_id == release_id,
        Job.send_again_at.is_(None),
        Job.finished_at.is_(None),
        _in_lane(lane),
    )


def _waiting(session: Session, release_id: UUID, lane: Lane) -> dict[UUID, int]:
    """Count the messages that wait, or are believed to, by researcher."""
    found = session.execute(
        select(Job.account_id, func.count())
        .where(
            Job.send_again_at.is_not(None),
            Job.state != JobState.GENERATING,
            or_(Job.leased_until.is_(None), Job.leased_until < now()),
            Job.release_id == release_id,
            _in_lane(lane),
        )
        .group_by(Job.account_id)
    )
    return {row[0]: row[1] for row in found}


def _held(session: Session, release_id: UUID, lane: Lane, *, limit: int) -> dict[UUID, int]:
    """Count the held jobs of each researcher, up to ``limit`` of each."""
    counts: dict[UUID, int] = {}
    for account_id in _researchers(session, release_id, lane):
        some = _of(release_id, lane).where(Job.account_id == account_id).limit(limit).subquery()
        counts[account_id] = session.scalar(select(func.count()).select_from(some)) or 0
    return counts


def _researchers(session: Session, release_id: UUID, lane: Lane) -> Iterator[UUID]:
    """Yield who has held jobs; one step in the index each, however many jobs there are."""
    query = _of(release_id, lane).with_only_columns(Job.account_id).order_by(Job.account_id)
    found = session.scalar(query.limit(1))
    while found is not None:
        yield found
        found = session.scalar(query.where(Job.account_id > found).limit(1))


def _oldest(session: Session, release_id: UUID, lane: Lane, portion: list[UUID]) -> list[Job]:
    """Lock each researcher's oldest held jobs, and return them in the order of the portion."""
    rows = {
        account_id: iter(
            session.scalars(
                _of(release_id, lane)
                .with_only_columns(Job)
                .where(Job.account_id == account_id)
                .order_by(Job.id)
                .limit(count)
                .with_for_update(skip_locked=True)
            ).all()
        )
        for account_id, count in Counter(portion).items()
    }
    found = (next(rows[account_id], None) for account_id in portion)
    return [each for each in found if each is not None]
