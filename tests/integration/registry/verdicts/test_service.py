import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from registry.db.session import Database
from registry.errors import OutputMoved
from registry.jobs import service as jobs
from registry.jobs.model import Job, Output
from registry.jobs.states import OutputState
from registry.reviews.model import Review
from registry.verdicts import service as verdicts
from registry.verdicts.model import VerdictRecord
from registry.verdicts.service import Screened
from registry.verdicts.view import view_of
from tests.support import rows


def sealed(database: Database, n: int = 1) -> Job:
    """Return a job whose outputs wait to be scored, claimed for scoring."""
    world = rows.make_world(database)
    job = rows.submit(database, world, n=n)
    rows.seal(database, rows.claim(database, job))
    return rows.claim(database, job, scoring=True)


def settle(database: Database, claimed: Job, decision: str, text: str = "some text") -> None:
    """Settle every output of a job alike."""
    rows.settle(database, claimed, rows.verdict(decision), text=text)


def test_a_released_output_shows_its_text(database: Database) -> None:
    job = sealed(database)

    settle(database, job, "release")

    with database.reading() as session:
        output = view_of(session, job).outputs[0]
    assert (output.state, output.text) == (OutputState.RELEASED, "some text")


@pytest.mark.parametrize("decision", ["flag", "Release", "", "unknown"])
def test_anything_but_release_flags_and_hides(database: Database, decision: str) -> None:
    job = sealed(database)

    settle(database, job, decision)

    with database.reading() as session:
        output = view_of(session, job).outputs[0]
        reviews = session.scalars(select(Review)).all()
    assert (output.state, output.text) == (OutputState.FLAGGED, None)
    assert [each.output_id for each in reviews] == [output.id]


def test_a_pending_output_shows_nothing(database: Database) -> None:
    job = sealed(database)

    with database.reading() as session:
        output = view_of(session, job).outputs[0]

    assert (output.state, output.text) == (OutputState.PENDING, None)


def test_a_verdict_on_another_text_settles_nothing(database: Database) -> None:
    job = sealed(database)

    with pytest.raises(OutputMoved):
        settle(database, job, "release", text="another text")

    with database.reading() as session:
        assert session.scalars(select(VerdictRecord)).all() == []


def test_the_database_refuses_a_release_without_a_verdict(database: Database) -> None:
    sealed(database)

    with pytest.raises(IntegrityError), database.transaction() as session:
        session.execute(update(Output).values(state=OutputState.RELEASED))


def test_no_output_can_borrow_the_verdict_of_another(database: Database) -> None:
    job = sealed(database, n=2)
    with database.transaction() as session:
        first, second = jobs.outputs_of(session, job)
        screened = Screened(job, first, "some text", rows.verdict())
        [verdict] = verdicts.settle(session, [screened], signer=rows.SIGNER)

    with pytest.raises(IntegrityError), database.transaction() as session:
        session.execute(
            update(Output)
            .where(Output.id == second.id)
            .values(state=OutputState.RELEASED, verdict_id=verdict.id)
        )


def test_a_verdict_cannot_be_rewritten(database: Database) -> None:
    settle(database, sealed(database), "flag")

    with pytest.raises(DatabaseError, match="append-only"), database.transaction() as session:
        session.execute(update(VerdictRecord).values(decision="release"))
