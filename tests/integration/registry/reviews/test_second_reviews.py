"""Where a release needs two reviewers, one person is not enough, and one no is."""

from dataclasses import replace

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from registry.accounts.model import Account
from registry.clock import now
from registry.db.session import Database
from registry.db.tables import new_id
from registry.errors import ReviewMoved, SecondReviewNeeded
from registry.jobs.model import Output
from registry.jobs.states import OutputState
from registry.ledger.model import Entry
from registry.policies import service as policies
from registry.reviews import service as reviews
from registry.reviews.model import Review, ReviewDecision, ReviewState
from tests.support import rows
from tests.support.rows import MadeUpPolicy, World

TWO = replace(MadeUpPolicy(), name="two", digest="1" * 64, second_reviews=1.0)


def flag(database: Database, world: World, *, policy_digest: str) -> None:
    """Have one output flagged under a policy."""
    job = rows.submit(database, world)
    rows.seal(database, rows.claim(database, job))
    claimed = rows.claim(database, job, scoring=True)
    rows.settle(database, claimed, rows.verdict("flag", policy_digest=policy_digest))


@pytest.fixture
def world(database: Database) -> World:
    """A world with one flagged output whose release needs two reviewers."""
    world = rows.make_world(database)
    with database.transaction() as session:
        policies.adopt(session, policy=TWO, actor="operator")
    flag(database, world, policy_digest=TWO.digest)
    return world


def decide(
    database: Database, reviewer: Account, to: OutputState = OutputState.RELEASED
) -> ReviewState:
    """Claim and decide the one review."""
    with database.transaction() as session:
        review = session.scalars(select(Review)).one()
        reviews.claim(session, review=review, reviewer=reviewer)
    with database.transaction() as session:
        review = session.scalars(select(Review)).one()
        reviews.decide(session, review=review, reviewer=reviewer, to=to, reason="read it")
        return review.state


def output_state(database: Database) -> OutputState:
    """Return the state of the one output."""
    with database.reading() as session:
        return session.scalars(select(Output.state)).one()


def test_the_first_of_two_leaves_the_output_flagged(database: Database, world: World) -> None:
    state = decide(database, world.reviewer)

    assert (state, output_state(database)) == (ReviewState.OPEN, OutputState.FLAGGED)


def test_two_different_reviewers_release(database: Database, world: World) -> None:
    decide(database, world.reviewer)

    state = decide(database, world.other_reviewer)

    assert (state, output_state(database)) == (ReviewState.RELEASED, OutputState.RELEASED)
    with database.reading() as session:
        said = session.execute(
            select(Entry.action, Entry.actor).where(
                Entry.action.in_(("review.awaits_second", "output.released"))
            )
        )
        assert {tuple(each) for each in said} == {
            ("review.awaits_second", "rae"),
            ("output.released", "ron"),
        }


def test_the_same_reviewer_does_not_count_twice(database: Database, world: World) -> None:
    decide(database, world.reviewer)

    with pytest.raises(SecondReviewNeeded):
        decide(database, world.reviewer)

    assert output_state(database) is OutputState.FLAGGED


@pytest.mark.parametrize("first_releases", [True, False])
def test_one_who_withholds_is_enough(
    database: Database, world: World, first_releases: bool
) -> None:
    if first_releases:
        decide(database, world.reviewer)

    state = decide(database, world.other_reviewer, OutputState.WITHHELD)

    assert (state, output_state(database)) == (ReviewState.WITHHELD, OutputState.WITHHELD)


def test_who_has_released_may_still_withhold(database: Database, world: World) -> None:
    decide(database, world.reviewer)

    decide(database, world.reviewer, OutputState.WITHHELD)

    assert output_state(database) is OutputState.WITHHELD


def test_a_decided_review_takes_no_second_decision(database: Database, world: World) -> None:
    decide(database, world.reviewer, OutputState.WITHHELD)

    with pytest.raises(ReviewMoved):
        decide(database, world.other_reviewer)


def test_a_policy_adopted_later_changes_no_open_review(database: Database, world: World) -> None:
    with database.transaction() as session:
        policies.adopt(session, policy=MadeUpPolicy(), actor="operator")

    decide(database, world.reviewer)

    assert output_state(database) is OutputState.FLAGGED


def test_a_verdict_under_a_policy_nobody_knows_needs_two(database: Database) -> None:
    world = rows.make_world(database)
    flag(database, world, policy_digest="f" * 64)

    decide(database, world.reviewer)

    assert output_state(database) is OutputState.FLAGGED


def test_the_database_refuses_the_same_release_twice(database: Database, world: World) -> None:
    decide(database, world.reviewer)

    with pytest.raises(IntegrityError), database.transaction() as session:
        session.execute(
            insert(ReviewDecision).values(
                id=new_id(),
                review_id=session.scalars(select(Review.id)).one(),
                decision=ReviewState.RELEASED,
                decided_by="rae",
                decided_at=now(),
                reason="again",
            )
        )


def test_what_a_reviewer_said_cannot_be_rewritten(database: Database, world: World) -> None:
    decide(database, world.reviewer)

    with pytest.raises(DatabaseError, match="append-only"), database.transaction() as session:
        session.execute(update(ReviewDecision).values(decided_by="ron"))
