"""Stored releases are verified again and again, at the rate that the operator sets."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from registry.checkpoints import digest
from registry.clock import now
from registry.db.session import Database
from registry.errors import Unavailable
from registry.releases import quarantine, queries, verifications
from registry.releases.intake import register_folder
from registry.releases.model import Release, ReleaseState, Verification, VerificationPass
from registry.releases.reverification import Pace, Reverification, Stopped
from registry.releases.store import Store
from tests.support.checkpoints import make_sharded

HOLDER = f"{verifications.SCHEDULE_START}here"

Run = Callable[..., str | None]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store."""
    return Store(tmp_path / "store")


@pytest.fixture
def release(database: Database, store: Store, tmp_path: Path) -> Release:
    """A registered release of several files."""
    return register_folder(
        database,
        store,
        folder=make_sharded(tmp_path / "sharded"),
        name="owner/sharded",
        license="MIT",
        source="a test",
        actor="operator",
        progress=None,
    )


@pytest.fixture
def once(database: Database, store: Store) -> Run:
    """Verify what is due."""

    def run(*, holder: str = HOLDER, place: Store = store) -> str | None:
        return Reverification(
            database=database,
            store=place,
            every=timedelta(days=7),
            bytes_per_second=1e9,
            holder=holder,
            stopping=threading.Event(),
        ).once()

    return run


def stored_weights(database: Database, store: Store, release: Release) -> Path:
    with database.reading() as session:
        manifest = queries.manifest_of(session, release)
    return store.entry_path(manifest, "model-00001-of-00002.safetensors")


def state(database: Database, release: Release) -> ReleaseState:
    with database.reading() as session:
        return queries.get(session, release.name).state


def history(database: Database, release: Release) -> list[Verification]:
    with database.reading() as session:
        return list(verifications.last(session, release.digest, count=9))


def stop_after(files: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stop the pass when it begins with the file after so many; return what it hashed."""
    hashed: list[str] = []
    original = digest.digest_file

    def counted(file: Path, *, path: str, progress: digest.Progress) -> digest.FileDigest:
        if len(hashed) == files:
            raise Stopped
        hashed.append(path)
        return original(file, path=path, progress=progress)

    monkeypatch.setattr("registry.releases.reverification.digest_file", counted)
    return hashed


def test_what_was_never_verified_is_due_and_then_is_not(
    database: Database, release: Release, once: Run
) -> None:
    first, second = once(), once()

    assert (first, second) == (release.digest, None)
    [row] = history(database, release)
    assert (row.holds, row.files, row.verified_by) == (True, 5, HOLDER)
    assert state(database, release) is ReleaseState.VERIFIED


def test_what_was_verified_long_ago_is_due_again(
    database: Database, release: Release, once: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    once()
    monkeypatch.setattr("registry.releases.reverification.now", lambda: now() + timedelta(days=8))

    assert once() == release.digest
    assert len(history(database, release)) == 2


def test_a_file_that_differs_quarantines_the_release_by_itself(
    database: Database, store: Store, release: Release, once: Run
) -> None:
    path = stored_weights(database, store, release)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    once()

    [row] = history(database, release)
    assert not row.holds
    assert row.problems[0].startswith("model-00001-of-00002.safetensors differs")
    with database.reading() as session:
        standing = quarantine.standing(session, release.digest)
    assert standing is not None
    assert (standing.placed_by, standing.reason) == (HOLDER, row.problems[0])


def test_a_file_that_is_lost_quarantines_too(
    database: Database, store: Store, release: Release, once: Run
) -> None:
    stored_weights(database, store, release).unlink()

    once()

    assert history(database, release)[0].problems[0].endswith(" bytes)")
    assert state(database, release) is ReleaseState.QUARANTINED


def test_bytes_in_quarantine_are_left_to_people(
    database: Database, release: Release, once: Run
) -> None:
    with database.transaction() as session:
        quarantine.quarantine(session, name=release.name, actor="operator", reason="a rumour")

    assert once() is None


@pytest.mark.usefixtures("release")
def test_a_store_that_is_not_mounted_quarantines_nothing(once: Run, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        once(place=Store(tmp_path / "not mounted"))


def test_a_pass_that_was_stopped_goes_on_with_the_next_file(
    database: Database, release: Release, once: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        before = stop_after(2, patch)
        with pytest.raises(Stopped):
            once()
    after = stop_after(9, monkeypatch)

    once()

    assert (len(before), len(after)) == (2, 3)
    assert set(before).isdisjoint(after)
    [row] = history(database, release)
    assert (row.holds, row.files) == (True, 5)


@pytest.mark.usefixtures("release")
def test_another_schedule_takes_a_pass_over_only_when_it_was_abandoned(
    database: Database, once: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_after(1, patch)
        with pytest.raises(Stopped):
            once()

    early = once(holder="schedule:there")
    with database.transaction() as session:
        session.execute(update(VerificationPass).values(seen_at=now() - timedelta(hours=1)))
    late = once(holder="schedule:there")

    assert (early, late is None) == (None, False)


def test_a_pass_that_was_taken_over_ends(
    database: Database, release: Release, once: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = digest.digest_file

    def taken_over(file: Path, *, path: str, progress: digest.Progress) -> digest.FileDigest:
        with database.transaction() as session:
            session.execute(update(VerificationPass).values(holder="schedule:there"))
        return original(file, path=path, progress=progress)

    monkeypatch.setattr("registry.releases.reverification.digest_file", taken_over)

    with pytest.raises(Stopped):
        once()

    assert history(database, release) == []


class Sleeper(threading.Event):
    """Notes how long it was to sleep, and wakes at once."""

    def __init__(self) -> None:
        super().__init__()
        self.slept = 0.0

    def wait(self, timeout: float | None = None) -> bool:
        self.slept += timeout or 0.0
        return super().wait(0)


def test_no_more_is_read_in_a_second_than_the_operator_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sleeper = Sleeper()
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0 + sleeper.slept)
    pace = Pace(1_000_000, sleeper, lambda: None)

    for _ in range(100):
        pace(262_144)

    assert sleeper.slept == pytest.approx(26.2144, abs=1)


def test_a_pass_ends_when_its_schedule_does() -> None:
    stopping = threading.Event()
    stopping.set()

    with pytest.raises(Stopped):
        Pace(1.0, stopping, lambda: None)(1_000_000)
