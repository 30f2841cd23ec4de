import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from registry.clock import now
from registry.db.session import Database
from registry.db.tables import first_id, new_id
from registry.jobs import service as jobs
from registry.jobs.model import Output
from registry.sketches import service as sketches
from registry.sketches.model import BANDS, SketchRecord
from registry.sketches.service import BAND_LIMIT, Remembered
from tests.support import rows

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def remember(database: Database, world: rows.World, *bands: tuple[int, ...]) -> list[UUID]:
    """Submit a job with one output for each tuple of bands, and remember its outputs."""
    job = rows.submit(database, world, n=len(bands))
    with database.transaction() as session:
        outputs = [output.id for output in jobs.outputs_of(session, job)]
        sketches.remember(
            session,
            [
                Remembered(job.account_id, output, b"signature", b"slots", own)
                for output, own in zip(outputs, bands, strict=True)
            ],
        )
    return outputs


def find(
    database: Database, account_id: UUID, *bands: int, since: datetime = LONG_AGO
) -> list[UUID]:
    """Return the outputs that have one of the bands."""
    with database.reading() as session:
        found = sketches.like(session, account_id=account_id, bands=bands, since=since)
        return [row.output_id for row in found]


def test_outputs_are_found_by_any_of_their_bands_and_once(database: Database) -> None:
    world = rows.make_world(database)
    one, two, _ = remember(database, world, (1, 2, 3), (3, -(2**63)), (2**63 - 1,))

    found = find(database, world.researcher.id, 1, 2, 3, -(2**63))

    assert found == [one, two]


def test_other_peoples_outputs_are_not_found(database: Database) -> None:
    world = rows.make_world(database)
    remember(database, world, (1, 2))

    assert find(database, world.reviewer.id, 1, 2) == []


def test_outputs_that_are_too_old_are_not_found(database: Database) -> None:
    world = rows.make_world(database)
    (output,) = remember(database, world, (1,))
    account = world.researcher.id

    assert find(database, account, 1, since=now() - timedelta(minutes=5)) == [output]
    assert find(database, account, 1, since=now() + timedelta(minutes=5)) == []


def test_without_a_band_nothing_is_found(database: Database) -> None:
    world = rows.make_world(database)
    remember(database, world, (1,))

    assert find(database, world.researcher.id) == []


def test_thousands_of_bands_are_looked_up_at_once(database: Database) -> None:
    world = rows.make_world(database)
    (output,) = remember(database, world, (999,))

    assert find(database, world.researcher.id, *range(1200)) == [output]


def test_an_output_has_one_sketch(database: Database) -> None:
    world = rows.make_world(database)
    (output,) = remember(database, world, (1,))

    again = Remembered(world.researcher.id, output, b"", b"", (2,))

    with pytest.raises(IntegrityError), database.transaction() as session:
        sketches.remember(session, [again])


def test_the_identifier_of_a_row_is_not_before_its_time() -> None:
    before = now()

    made = new_id()

    assert first_id(before - timedelta(milliseconds=1)) < made < first_id(now() + timedelta(1))


@pytest.mark.timeout(60)
def test_a_researcher_with_many_copies_costs_no_more_than_one_with_few(
    database: Database,
) -> None:
    world = rows.make_world(database)
    (first,) = remember(database, world, (7,))
    account = world.researcher.id
    with database.transaction() as session:
        job_id = session.scalars(select(Output.job_id).where(Output.id == first)).one()
        made = [(new_id(), new_id()) for _ in range(5_000)]
        session.execute(
            insert(Output),
            [
                {"id": output, "job_id": job_id, "index": index, "state": "pending"}
                for index, (output, _) in enumerate(made, start=1)
            ],
        )
        session.execute(
            insert(SketchRecord),
            [
                {"id": own, "output_id": output, "signature": b"", "slots": b""}
                for output, own in made
            ],
        )
        session.execute(
            insert(BANDS),
            [{"account_id": account, "band": 7, "sketch_id": own} for _, own in made],
        )

    began = time.perf_counter()
    found = find(database, account, 7)
    seconds = time.perf_counter() - began

    assert found == [output for output, _ in made[-BAND_LIMIT:]]
    assert seconds < 5


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_search_reads_the_key_and_no_table(database: Database) -> None:
    with database.reading() as session:
        query = sketches._under("band").params(account=new_id(), band=7, first=first_id(LONG_AGO))
        compiled = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
        plan = session.execute(text(f"EXPLAIN QUERY PLAN {compiled}")).all()

    assert any("USING PRIMARY KEY (account_id=? AND band=?" in row[-1] for row in plan)
    assert not any("TEMP B-TREE" in row[-1] for row in plan)
