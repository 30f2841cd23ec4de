"""The watch proves, ends and reports; others read what it reported."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from filters.canaries import CANARIES
from filters.contract import Finding, Reading, Sample
from registry.clock import now
from registry.db.session import Database
from registry.ledger.model import Entry
from registry.scorers import service as scorers
from registry.scorers.model import ScorerRecord, ScorerState
from workers.duty import Duty
from workers.watch import Watch


class Switch:
    """A filter that sees until it is told not to."""

    name = "links"
    version = "1"
    labels = ("suspicious",)
    weights_digest = None

    def __init__(self) -> None:
        self.sees = True

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        """Answer the canaries by heart."""
        known = {each.text: each.least for each in CANARIES if each.filter == self.name}
        return [
            Reading(
                (Finding(self.name, "suspicious", known.get(each.text, 0) * self.sees, 0, 0),),
                ((0, len(each.text)),),
            )
            for each in samples
        ]


def watch(
    database: Database, switch: Switch, duty: Duty, when_ended: Callable[[], None] | None = None
) -> Watch:
    """Return a watch that looks often."""
    return Watch(
        database,
        worker="host:1",
        filters=[switch],
        duty=duty,
        interval_seconds=0.05,
        when_ended=when_ended,
    )


def in_service() -> Duty:
    """Return the duty of a worker whose filters proved themselves at its start."""
    duty = Duty(proof_seconds=60)
    duty.note_passed()
    return duty


def rows_of(database: Database) -> list[ScorerRecord]:
    """Return every scoring worker that is written down."""
    with database.reading() as session:
        return list(session.scalars(select(ScorerRecord)))


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_watch_reports_proves_and_leaves(database: Database) -> None:
    duty = in_service()
    first = duty.passed_at
    watching = watch(database, Switch(), duty)

    watching.start()
    until(lambda: duty.passed_at != first and bool(rows_of(database)))
    seen = rows_of(database)
    watching.stop()

    assert [(each.worker, each.state, each.reason) for each in seen] == [
        ("host:1", ScorerState.IN_SERVICE, None)
    ]
    assert rows_of(database) == []


def test_a_filter_that_goes_blind_ends_the_duty_and_says_why(database: Database) -> None:
    duty, switch, told = in_service(), Switch(), []
    watching = watch(database, switch, duty, lambda: told.append("ended"))

    watching.start()
    switch.sees = False
    until(lambda: any(each.reason for each in rows_of(database)))
    switch.sees = True
    time.sleep(0.2)
    with database.reading() as session:
        unfit = scorers.out_of_service(session)
        counts = scorers.count_by_state(session)
        entries = session.scalars(select(Entry)).all()
    watching.stop()

    assert [(each.worker, each.reason) for each in unfit] == [("host:1", "canary_failed")]
    assert counts == {ScorerState.IN_SERVICE: 0, ScorerState.OUT_OF_SERVICE: 1}
    assert [(each.action, each.subject) for each in entries] == [
        ("scorer.out_of_service", "host:1")
    ]
    assert told == ["ended"]
    assert duty.ending is not None


def test_a_filter_that_became_another_one_is_a_fault(database: Database) -> None:
    duty, switch = in_service(), Switch()
    watching = watch(database, switch, duty)
    switch.version = "2"

    watching.prove()

    assert duty.ending is not None
    assert duty.ending.reason == "identity_changed"


def test_a_check_that_breaks_is_a_fault(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    duty = in_service()
    watching = watch(database, Switch(), duty)

    def broken(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("workers.watch.check_canaries", broken)

    watching.prove()

    assert duty.ending is not None
    assert duty.ending.reason == "check_failed"


def test_a_report_that_cannot_be_written_does_not_keep_a_worker_in_service(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    duty, switch = in_service(), Switch()
    switch.sees = False
    watching = watch(database, switch, duty)

    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no records")

    with monkeypatch.context() as broken:
        broken.setattr(database, "transaction", unreachable)
        watching.start()
        until(lambda: duty.ending is not None)
    until(lambda: any(each.reason for each in rows_of(database)))
    watching.stop()


def test_a_worker_that_is_silent_for_long_counts_no_more(database: Database) -> None:
    with database.transaction() as session:
        scorers.report(session, worker="dead", checked_at=None, reason="canary_failed", detail="")
        silent = now() - timedelta(seconds=scorers.LIVE_SECONDS + 1)
        session.execute(update(ScorerRecord).values(seen_at=silent))

    with database.reading() as session:
        unfit = scorers.out_of_service(session)

    assert unfit == []


def test_a_worker_that_starts_again_is_in_service(database: Database) -> None:
    with database.transaction() as session:
        scorers.report(session, worker="host:1", checked_at=None, reason="canary_failed")

    with database.transaction() as session:
        scorers.report(session, worker="host:1", checked_at=now())

    assert [each.state for each in rows_of(database)] == [ScorerState.IN_SERVICE]
