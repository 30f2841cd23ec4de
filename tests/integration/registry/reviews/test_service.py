import pytest
from sqlalchemy import select

from registry.access import service as access
from registry.db.session import Database
from registry.errors import ApprovalRevoked, OwnRequest, ReasonMissing, ReviewMoved
from registry.jobs.model import Output
from registry.jobs.states import OutputState
from registry.ledger.model import Entry
from registry.reviews import service as reviews
from registry.reviews.model import Review
from tests.support import rows
from tests.support.rows import World


@pytest.fixture
def world(database: Database) -> World:
    """A world with one flagged output."""
    world = rows.make_world(database)
    job = rows.submit(database, world)
    rows.seal(database, rows.claim(database, job))
    claimed = rows.claim(database, job, scoring=True)
    rows.settle(database, claimed, rows.verdict("flag"))
    return world


def the_review(database: Database) -> Review:
    """Return the one review."""
    with database.reading() as session:
        return session.scalars(select(Review)).one()


def output_state(database: Database) -> OutputState:
    """Return the state of the one output."""
    with database.reading() as session:
        return session.scalars(select(Output.state)).one()


def test_of_two_reviewers_on_one_output_the_second_is_told(
    database: Database, world: World
) -> None:
    review = the_review(database)
    with database.transaction() as session:
        reviews.claim(session, review=reviews.get(session, review.id), reviewer=world.reviewer)

    with pytest.raises(ReviewMoved, match="claimed by rae"), database.transaction() as session:
        reviews.claim(
            session, review=reviews.get(session, review.id), reviewer=world.other_reviewer
        )


@pytest.mark.parametrize("to", [OutputState.RELEASED, OutputState.WITHHELD])
def test_a_reviewer_decides_what_was_claimed(
    database: Database, world: World, to: OutputState
) -> None:
    with database.transaction() as session:
        review = reviews.get(session, the_review(database).id)
        reviews.claim(session, review=review, reviewer=world.reviewer)

        reviews.decide(session, review=review, reviewer=world.reviewer, to=to, reason="read it")

    assert output_state(database) is to


def test_an_unclaimed_output_is_not_decided(database: Database, world: World) -> None:
    with pytest.raises(ReviewMoved), database.transaction() as session:
        reviews.decide(
            session,
            review=reviews.get(session, the_review(database).id),
            reviewer=world.reviewer,
            to=OutputState.RELEASED,
            reason="read it",
        )

    assert output_state(database) is OutputState.FLAGGED


def test_a_decision_needs_a_reason(database: Database, world: World) -> None:
    with pytest.raises(ReasonMissing), database.transaction() as session:
        reviews.decide(
            session,
            review=reviews.get(session, the_review(database).id),
            reviewer=world.reviewer,
            to=OutputState.RELEASED,
            reason=" ",
        )


def test_nobody_reviews_their_own_output(database: Database, world: World) -> None:
    with pytest.raises(OwnRequest), database.transaction() as session:
        reviews.claim(
            session,
            review=reviews.get(session, the_review(database).id),
            reviewer=world.researcher,
        )


def test_a_revoked_researcher_gets_nothing_released(database: Database, world: World) -> None:
    with database.transaction() as session:
        reviews.claim(
            session,
            review=reviews.get(session, the_review(database).id),
            reviewer=world.reviewer,
        )
        access.revoke(
            session, approval_id=world.approval_id, reviewer=world.reviewer, reason="test"
        )

    with pytest.raises(ApprovalRevoked), database.transaction() as session:
        reviews.decide(
            session,
            review=reviews.get(session, the_review(database).id),
            reviewer=world.reviewer,
            to=OutputState.RELEASED,
            reason="read it",
        )


def test_reading_a_flagged_text_is_in_the_ledger(database: Database, world: World) -> None:
    with database.transaction() as session:
        text = reviews.read(
            session,
            review=reviews.get(session, the_review(database).id),
            reader=world.reviewer,
        )

    with database.reading() as session:
        entry = session.scalars(select(Entry).where(Entry.action == "output.read")).one()
    assert (text, entry.actor) == ("some text", "rae")
