"""How deep the queues of a release are: how many of its jobs wait, and how many are at work."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.jobs.lanes import Lane
from registry.jobs.model import Job
from registry.jobs.states import JobState


@dataclass(frozen=True, slots=True)
class Depth:
    """The unfinished jobs of one release in one lane.

    Attributes:
        held: Wait for their turn; no message of them was ever sent.
        queued: Wait for a worker that generates.
        generating: Are being generated.
        scoring: Wait to be scored, or are being scored.
    """

    held: int = 0
    queued: int = 0
    generating: int = 0
    scoring: int = 0


def depths(session: Session, release_ids: Collection[UUID]) -> dict[UUID, dict[Lane, Depth]]:
    """Return for each of these releases how deep each lane is.

    Only unfinished jobs are looked at, in an index that holds no others.
    """
    is_bulk, is_unsent = Job.bulk_id.is_not(None), Job.send_again_at.is_(None)
    found = session.execute(
        select(Job.release_id, Job.state, is_bulk, is_unsent, func.count())
        .where(Job.finished_at.is_(None), Job.release_id.in_(release_ids))
        .group_by(Job.release_id, Job.state, is_bulk, is_unsent)
    )
    counts: defaultdict[UUID, dict[Lane, Depth]] = defaultdict(lambda: dict.fromkeys(Lane, Depth()))
    for release_id, state, in_bulk, unsent, count in found:
        lane = Lane.BULK if in_bulk else Lane.INTERACTIVE
        name = "held" if state is JobState.QUEUED and unsent else str(state)
        depth = counts[release_id][lane]
        counts[release_id][lane] = replace(depth, **{name: getattr(depth, name) + count})
    return {each: counts[each] for each in release_ids}
