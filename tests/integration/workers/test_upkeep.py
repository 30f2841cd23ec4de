"""A schedule looks after the store: it verifies and collects, and ends when it is told to."""

from pathlib import Path

import pytest

from registry.bundled import RELEASE_DIR
from registry.db.session import Database
from registry.releases import quarantine, queries, verifications
from registry.releases.intake import register_folder
from registry.releases.model import Release, ReleaseState
from registry.releases.store import Store
from registry.settings import Settings
from workers.upkeep import Upkeep

NAME = "corral/kept"


@pytest.fixture
def release(database: Database, settings: Settings) -> Release:
    """The bundled release, registered and never verified."""
    return register_folder(
        database,
        Store(settings.store_dir),
        folder=RELEASE_DIR,
        name=NAME,
        license="MIT",
        source="a test",
        actor="operator",
        progress=None,
    )


def weights(database: Database, settings: Settings, release: Release) -> Path:
    with database.reading() as session:
        manifest = queries.manifest_of(session, release)
    return Store(settings.store_dir).entry_path(manifest, "model.safetensors")


def test_a_changed_byte_is_found_without_anybody_asking(
    database: Database, settings: Settings, release: Release
) -> None:
    path = weights(database, settings, release)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    fast = settings.model_copy(update={"verify_megabytes_per_second": 10_000.0})

    found = Upkeep(database, fast).verify_due()

    with database.reading() as session:
        standing = quarantine.standing(session, release.digest)
        state = queries.get(session, NAME).state
    assert (found, state) == (1, ReleaseState.QUARANTINED)
    assert standing is not None
    assert standing.reason.startswith("model.safetensors differs")
    assert standing.placed_by.startswith(verifications.SCHEDULE_START)


def test_it_begins_by_itself_and_ends_when_it_is_told_to(
    database: Database, settings: Settings, release: Release
) -> None:
    upkeep = Upkeep(database, settings.model_copy(update={"verify_megabytes_per_second": 10_000.0}))

    upkeep.start()
    while True:
        with database.reading() as session:
            if verifications.newest_of(session, [release.digest]):
                break
    upkeep.stop()

    with database.reading() as session:
        assert queries.get(session, NAME).state is ReleaseState.VERIFIED


def test_no_rate_is_no_scheduled_verification(
    database: Database, settings: Settings, release: Release
) -> None:
    upkeep = Upkeep(database, settings.model_copy(update={"verify_megabytes_per_second": 0.0}))

    upkeep.start()
    upkeep.stop()

    with database.reading() as session:
        assert verifications.newest_of(session, [release.digest]) == {}
