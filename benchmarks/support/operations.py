"""What people and workers ask of the records, as steps that can be timed one by one."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.cli import demo
from api.dependencies import Place
from api.v1.audit import list_entries
from api.v1.jobs import list_jobs
from api.v1.reviews import list_reviews
from registry.accounts import service as accounts
from registry.accounts.model import Account, Role
from registry.db.session import Database
from registry.jobs import recovery, turns
from registry.jobs.model import Job
from registry.jobs.states import JobState
from registry.ledger import service as ledger
from registry.receipts import service as receipts
from registry.releases.model import Release
from registry.reviews.model import ReviewState
from registry.settings import Settings
from tests.support import rows
from tests.support.lives import Lives

OTHERS = 45
WAITING = 40
OPEN_REVIEWS = 30
PAGE = 20
FEW = Place(2, None)
"""A page of what there is little of, so that both databases have as much to give."""
ATTEMPTS = 3

Step = tuple[str, Callable[[], object]]


@dataclass(frozen=True)
class People:
    """Who uses a database, and what is generated there.

    Attributes:
        light: A researcher with a few finished jobs.
        heavy: The one whose finished jobs are many.
        others: More researchers.
        reviewer: Who decides.
        releases: The bundled release, which jobs are submitted for, and two more.
    """

    light: Account
    heavy: Account
    others: list[Account]
    reviewer: Account
    releases: list[Release]


def make_people(database: Database, settings: Settings) -> People:
    """Add the people, the releases and the approvals."""
    ready = demo.prepare(database, settings)
    with database.transaction() as session:
        reviewer = accounts.get(session, demo.REVIEWER)
        light, heavy, *others = (
            accounts.add(session, handle=f"researcher-{number}", roles=[Role.RESEARCHER])
            for number in range(2 + OTHERS)
        )
        for each in (light, heavy):
            rows.approve(session, ready.release, each, reviewer)
        more = [
            rows.publish(session, rows.made_up_release(session, f"corral/made-up-{number}"))
            for number in range(2)
        ]
        receipts.enrol(session, key=rows.SIGNER.key, actor=rows.SIGNER.name)
    return People(light, heavy, others, reviewer, [ready.release, *more])


def begin(lives: Lives, people: People) -> None:
    """Make a few finished jobs, some that wait, and some open reviews."""
    for account in (people.light, people.heavy):
        for _ in range(3):
            lives.some(account, people.reviewer)
    for _ in range(OPEN_REVIEWS):
        lives.finish(lives.submit(people.light), "flag")
    for _ in range(WAITING):
        lives.submit(people.light)


def life(lives: Lives, account: Account, name: str) -> Iterator[Step]:
    """Yield the steps of one job's life, to be taken in this order."""
    ids: list[UUID] = []
    held: list[Job] = []
    yield f"submit, {name}", lambda: ids.append(lives.submit(account))
    yield f"claim to generate, {name}", lambda: held.append(lives.claim_generating(ids[0]))
    yield f"heartbeat, {name}", lambda: lives.renew(held[0])
    yield f"seal, {name}", lambda: lives.seal(held[0])
    yield f"claim to score, {name}", lambda: held.append(lives.claim_scoring(ids[0]))
    yield f"recall, {name}", lambda: lives.recall(held[1])
    yield f"settle, {name}", lambda: lives.settle(held[1])


def lists(lives: Lives, people: People) -> Iterator[Step]:
    """Yield the lists of researchers, of reviewers and of auditors."""
    database, first = lives.doors.database, Place(PAGE, None)

    def read(ask: Callable[..., object]) -> Callable[[], object]:
        def once() -> object:
            with database.reading() as session:
                return ask(session=session)

        return once

    for name, account in (("few", people.light), ("many", people.heavy)):
        mine = partial(list_jobs, account)
        with database.reading() as session:
            later = Place(PAGE, _cursor(session, account))
        yield f"list jobs, {name}", read(partial(mine, place=first))
        yield f"list jobs, {name}, later page", read(partial(mine, place=later))
        for state in (JobState.QUEUED, JobState.FAILED):
            yield f"list {state} jobs, {name}", read(partial(mine, place=FEW, state=state))
        of_one = partial(mine, place=first, release=people.releases[0].name)
        yield f"list jobs of a release, {name}", read(of_one)
        yield (
            f"list cancelled jobs of a release, {name}",
            read(partial(of_one, place=FEW, state=JobState.CANCELLED)),
        )
    reviews = partial(list_reviews, people.reviewer, place=first)
    yield "list reviews", read(reviews)
    yield "list open reviews", read(partial(reviews, state=ReviewState.OPEN))
    withheld = partial(reviews, place=FEW, state=ReviewState.WITHHELD)
    yield "list withheld reviews", read(withheld)
    with database.reading() as session:
        subject = str(session.scalar(select(Job.id).order_by(Job.id.desc()).limit(1)))
    entries = partial(list_entries, people.reviewer, place=first)
    yield "list entries", read(entries)
    yield "list entries of a job", read(partial(entries, subject=subject))


def sweep(lives: Lives) -> Iterator[Step]:
    """Yield the steps of a sweep, and what is asked with every job for the queues' sake."""
    database, dispatcher = lives.doors.database, lives.doors.dispatcher

    def write(step: Callable[[Session], object]) -> Callable[[], object]:
        def once() -> object:
            with database.transaction() as session:
                return step(session)

        return once

    yield "sweep: recover", write(partial(recovery.recover, attempts_limit=ATTEMPTS))
    yield "sweep: quarantined", write(recovery.stop_quarantined)
    yield "sweep: withdrawn", write(recovery.fail_withdrawn)
    yield "sweep: due", write(recovery.due)
    yield "sweep: releases held up", write(turns.releases_held_up)
    yield (
        "sweep: portion",
        write(partial(dispatcher.send_portion, release_id=lives.release.id)),
    )
    yield (
        "portion due",
        write(partial(dispatcher.is_portion_due, release_id=lives.release.id)),
    )
    yield "sweep: sequence", write(ledger.sequence)
    yield "metrics", lives.doors.metrics.exposition


def _cursor(session: Session, account: Account) -> str:
    """Return where a researcher's list of jobs is a third through."""
    count = session.scalar(select(func.count()).where(Job.account_id == account.id)) or 0
    query = select(Job.id).where(Job.account_id == account.id).order_by(Job.id.desc())
    reached = session.scalars(query.offset(count // 3).limit(1)).one()
    return base64.urlsafe_b64encode(reached.bytes).decode().rstrip("=")
