import json
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from registry.db.session import Database
from registry.errors import ReceiptMissing
from registry.jobs.model import Job, Output
from registry.jobs.states import OutputState
from registry.ledger.model import Entry
from registry.receipts import queries, statement
from registry.receipts import service as receipts
from registry.receipts.envelope import key_id_of, read_public_key
from registry.receipts.model import Receipt, ReceiptKey
from registry.receipts.service import Signer
from registry.reviews import service as reviews
from registry.reviews.model import Review
from registry.verdicts.view import view_of
from tests.support import rows
from tests.support.rows import World


@pytest.fixture
def world(database: Database) -> World:
    """A release, people, and the tests' key enrolled."""
    return rows.make_world(database)


def scored(
    database: Database, world: World, decision: str = "release", *, signer: Signer = rows.SIGNER
) -> Job:
    """Return a finished job with two outputs, settled alike."""
    job = rows.submit(database, world, n=2)
    rows.seal(database, rows.claim(database, job))
    claimed = rows.claim(database, job, scoring=True)
    rows.settle(database, claimed, rows.verdict(decision), signer=signer)
    return claimed


def outputs(database: Database) -> list[Output]:
    """Return all outputs in order."""
    with database.reading() as session:
        return list(session.scalars(select(Output).order_by(Output.index)))


@pytest.mark.parametrize("decision", ["release", "flag"])
def test_every_verdict_has_a_receipt_that_its_key_signed(
    database: Database, world: World, decision: str
) -> None:
    job = scored(database, world, decision)

    with database.reading() as session:
        view = view_of(session, job)
        found = session.scalars(select(Receipt).order_by(Receipt.id)).all()
        key = read_public_key(queries.key(session).pem.encode())
    assert len(found) == 2
    for receipt, output in zip(found, view.outputs, strict=True):
        receipt.envelope.verify(key)
        said = statement.parse(receipt.envelope.payload)
        assert said.predicate.decision == decision
        assert said.predicate.output == str(output.id)
        assert said.predicate.verdict == str(receipt.verdict_id)
        assert said.output_sha256 == statement.sha256_of(b"some text")
        assert said.predicate.release.name == world.release.name
        assert said.predicate.policy.thresholds == {"toxicity.toxicity": 0.5}
        assert "some text" not in receipt.payload
        assert output.receipt == f"/v1/outputs/{output.id}/receipt"


def test_the_ledger_names_the_receipt_of_each_decision(database: Database, world: World) -> None:
    scored(database, world)

    with database.reading() as session:
        facts = session.scalars(select(Entry.facts).where(Entry.action == "output.released"))
        named = {json.loads(each)["receipt"] for each in facts}
        signed = set(session.scalars(select(Receipt.payload_sha256)))
    assert named == signed


def test_a_key_is_enrolled_once_with_its_entry(database: Database, world: World) -> None:
    del world

    with database.transaction() as session:
        again = receipts.enrol(session, key=rows.SIGNER.key, actor="another worker")

    with database.reading() as session:
        entry = session.get_one(Entry, again.entry_id)
        assert session.scalar(select(func.count()).select_from(ReceiptKey)) == 1
    assert (entry.action, entry.actor) == ("receipt_key.enrolled", "worker")
    assert entry.subject == key_id_of(rows.SIGNER.key.public_key())


def test_a_key_that_is_not_enrolled_settles_nothing(database: Database, world: World) -> None:
    stranger = Signer("stranger", Ed25519PrivateKey.generate())

    with pytest.raises(IntegrityError):
        scored(database, world, signer=stranger)

    assert {each.state for each in outputs(database)} == {OutputState.PENDING}


def test_the_database_refuses_a_release_without_a_receipt(database: Database, world: World) -> None:
    scored(database, world, "flag")

    with pytest.raises(IntegrityError), database.transaction() as session:
        session.execute(update(Output).values(state=OutputState.RELEASED, receipt_id=None))


def test_the_database_refuses_a_released_row_that_never_had_a_receipt(
    database: Database, world: World
) -> None:
    job = scored(database, world)
    first = outputs(database)[0]

    with pytest.raises(IntegrityError), database.transaction() as session:
        session.execute(
            insert(Output).values(
                id=UUID(int=1),
                job_id=job.id,
                index=7,
                state=OutputState.RELEASED,
                verdict_id=first.verdict_id,
            )
        )


def test_no_output_can_borrow_the_receipt_of_another(database: Database, world: World) -> None:
    scored(database, world)
    first, second = outputs(database)

    with pytest.raises(IntegrityError), database.transaction() as session:
        session.execute(
            update(Output).where(Output.id == second.id).values(receipt_id=first.receipt_id)
        )


def test_a_verdict_has_one_receipt(database: Database, world: World) -> None:
    scored(database, world)

    with database.reading() as session:
        first = session.scalars(select(Receipt)).first()
    assert first is not None
    said = statement.parse(first.envelope.payload)

    with pytest.raises(IntegrityError), database.transaction() as session:
        receipts.record(session, [said], signer=rows.SIGNER)


@pytest.mark.parametrize("table", [Receipt, ReceiptKey])
def test_receipts_and_keys_cannot_be_rewritten(
    database: Database, world: World, table: type[Receipt | ReceiptKey]
) -> None:
    scored(database, world)

    with pytest.raises(DatabaseError, match="append-only"), database.transaction() as session:
        session.execute(update(table).values(key_id="0" * 64))


def test_a_reviewer_cannot_release_what_has_no_receipt(database: Database, world: World) -> None:
    scored(database, world, "flag")
    with database.transaction() as session:
        session.execute(update(Output).values(receipt_id=None))
        review = session.scalars(select(Review)).first()
        assert review is not None
        reviews.claim(session, review=review, reviewer=world.reviewer)

    with pytest.raises(ReceiptMissing, match="withhold it"), database.transaction() as session:
        reviews.decide(
            session,
            review=reviews.get(session, review.id),
            reviewer=world.reviewer,
            to=OutputState.RELEASED,
            reason="a quotation",
        )
