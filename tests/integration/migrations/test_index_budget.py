"""Every plain index is needed by a query of ours, as PostgreSQL runs it on a filled database.

Unique indexes are needed by their constraints. Whoever adds an index names here what needs it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import text

from registry.access import gate
from registry.access import queries as access
from registry.access import service as requesting
from registry.access.model import AccessRequest, RequestState, Scope
from registry.accounts import service as accounts
from registry.accounts.model import Account, Role
from registry.clock import now
from registry.db.session import Database, Session
from registry.jobs import bulk, queries, recovery, turns
from registry.jobs.intake import Line
from registry.jobs.model import Bulk
from registry.jobs.states import JobState, OutputState
from registry.ledger import queries as ledger
from registry.releases import quarantine, verifications
from registry.releases import queries as releases
from registry.releases.model import Release
from registry.reviews import service as reviews
from registry.reviews.model import ReviewState
from tests.support import filling, neighbours, rows
from tests.support.plans import explained
from tests.support.rows import World

FINISHED = 4000
CROWD = 60

pytestmark = pytest.mark.postgres


@dataclass(frozen=True)
class Filled:
    """A database with finished jobs, and some that wait."""

    database: Database
    world: World
    bulk: Bulk
    request: AccessRequest


def add_crowd(database: Database, world: World) -> list[Account]:
    """Add other researchers, each with a release of their own that was doubted once."""
    crowd = []
    with database.transaction() as session:
        for number in range(CROWD):
            account = accounts.add(session, handle=f"other-{number}", roles=[Role.RESEARCHER])
            release = rows.publish(session, rows.made_up_release(session, f"other/{number}"))
            rows.approve(session, release, account, world.reviewer)
            [request] = access.requests(
                session, viewer=account, state=None, limit=1, cursor=None
            ).rows
            requesting.say(session, row=request, author=account, body="thank you")
            quarantine.quarantine(session, name=release.name, actor="operator", reason="a rumour")
            crowd.append(account)
    return crowd


def finish(database: Database, world: World) -> int:
    """Finish ten jobs, one of them with an output that is withheld; return how many."""
    for number in range(10):
        job = rows.submit(database, world)
        rows.seal(database, rows.claim(database, job))
        claimed = rows.claim(database, job, scoring=True)
        rows.settle(database, claimed, rows.verdict("release" if number else "flag"))
    with database.transaction() as session:
        [review] = reviews.page(session, state=ReviewState.OPEN, limit=2, cursor=None).rows
        reviews.claim(session, review=review, reviewer=world.reviewer)
        reviews.decide(
            session,
            review=review,
            reviewer=world.reviewer,
            to=OutputState.WITHHELD,
            reason="a test",
        )
    return 10


@pytest.fixture(scope="module")
def filled(postgres_server: str, postgres_template: str) -> Iterator[Filled]:
    """A database that is filled."""
    with neighbours.scratch_postgres(postgres_server, template=postgres_template) as url:
        database = Database(url)
        world = rows.make_world(database)
        crowd = add_crowd(database, world)
        with database.transaction() as session:
            others = [rows.made_up_release(session, f"another/{number}") for number in range(4)]
        filling.multiply(
            database,
            partial(finish, database, world),
            jobs=FINISHED,
            accounts=[world.researcher.id, *(each.id for each in crowd)],
            releases=[world.release, *others],
        )
        for _ in range(3):
            rows.submit(database, world)
        lines = [Line("hi", rows.PARAMETERS, custom_id=str(number)) for number in range(3)]
        with database.transaction() as session:
            made = bulk.submit(
                session,
                account=world.researcher,
                release=world.release,
                lines=lines,
                sha256="0" * 64,
            )
            approval = access.approval(session, world.approval_id)
            request = access.request(session, approval.request_id, viewer=world.researcher)
        yield Filled(database, world, made, request)
        database.close()


def _list_jobs(
    session: Session,
    filled: Filled,
    state: JobState | None = None,
    release: Release | None = None,
) -> object:
    owner = filled.world.researcher
    return queries.page(session, owner=owner, state=state, release=release, limit=5, cursor=None)


def _list_reviews(session: Session, _: Filled, state: ReviewState | None) -> object:
    return reviews.page(session, state=state, limit=5, cursor=None)


def _list_requests(session: Session, filled: Filled, state: RequestState | None) -> object:
    who = filled.world.auditor if state else filled.world.researcher
    return access.requests(session, viewer=who, state=state, limit=5, cursor=None)


NEEDED: dict[str, Callable[[Session, Filled], object]] = {
    "ix_access_messages_request_id": lambda session, filled: access.messages(
        session, filled.request
    ),
    "ix_access_requests_account_id": partial(_list_requests, state=None),
    "ix_access_requests_state": partial(_list_requests, state=RequestState.OPEN),
    "ix_approvals_account_id_release_id": lambda session, filled: gate.admit(
        session,
        account_id=filled.world.researcher.id,
        release_id=filled.world.release.id,
        scope=Scope.GENERATE,
    ),
    "ix_bulks_account_id_id": lambda session, filled: bulk.page(
        session, owner=filled.world.researcher, limit=5, cursor=None
    ),
    "ix_jobs_account_id_id": _list_jobs,
    "ix_jobs_account_id_release_id_id": lambda session, filled: _list_jobs(
        session, filled, release=filled.world.release
    ),
    "ix_jobs_account_id_state_id": partial(_list_jobs, state=JobState.FAILED),
    "ix_jobs_bulk_id_id": lambda session, filled: bulk.ended(
        session, filled.bulk, after=None, limit=5
    ),
    "ix_jobs_held_bulk": lambda session, filled: turns.take(
        session, filled.world.release.id, room_jobs=8
    ),
    "ix_jobs_held_interactive": lambda session, filled: turns.take(
        session, filled.world.release.id, room_jobs=8
    ),
    "ix_jobs_leased": lambda session, _: recovery.recover(session, attempts_limit=3),
    "ix_jobs_sent": lambda session, _: recovery.due(session),
    "ix_jobs_unfinished": lambda session, _: recovery.fail_withdrawn(session),
    "ix_ledger_entries_subject": lambda session, filled: ledger.entries(
        session, subject=str(filled.bulk.id), limit=5, cursor=None
    ),
    "ix_quarantines_digest": lambda session, filled: quarantine.of_digests(
        session, [filled.world.release.digest]
    ),
    "ix_releases_digest": lambda session, filled: releases.manifest_for_digest(
        session, filled.world.release.digest
    ),
    "ix_reviews_severity_id": partial(_list_reviews, state=None),
    "ix_reviews_state_severity_id": partial(_list_reviews, state=ReviewState.OPEN),
    "ix_verifications_digest": lambda session, filled: verifications.newest_by_person(
        session, filled.world.release.digest, started_after=now() - timedelta(days=1)
    ),
}


def test_every_plain_index_names_the_query_that_needs_it(filled: Filled) -> None:
    with filled.database.engine.connect() as connection:
        found = connection.scalars(
            text(
                "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
                "WHERE relnamespace = 'public'::regnamespace AND NOT indisunique"
            )
        )

        assert sorted(found) == sorted(NEEDED)


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_the_query_uses_its_index(filled: Filled, name: str) -> None:
    with explained(filled.database) as plans, filled.database.transaction() as session:
        # Tables that are always small are read whole, however good an index is.
        session.execute(text("SET LOCAL enable_seqscan = off"))
        NEEDED[name](session, filled)
        session.rollback()

    lines = [line for plan in plans for line in plan.lines]
    assert any(f" {name} " in line for line in lines), "\n".join(lines)


@pytest.mark.parametrize("name", sorted(each for each in NEEDED if "_jobs_" in each))
def test_no_query_of_jobs_reads_those_that_ended(filled: Filled, name: str) -> None:
    with explained(filled.database) as plans, filled.database.transaction() as session:
        NEEDED[name](session, filled)
        session.rollback()

    scanned = [table for plan in plans for table in plan.scanned()]
    assert "jobs" not in scanned
