"""SIGKILL ends a registration anywhere: afterwards there is a whole release, or none."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from registry.db.session import Database
from registry.errors import UnknownRelease
from registry.releases import queries
from registry.releases.collection import collect
from registry.releases.intake import register_folder
from registry.releases.model import Release
from registry.releases.store import Store
from tests.support.checkpoints import make_sharded, safetensors_bytes
from tests.support.killed_registration import KILLS, NAME

LARGE_BYTES = 12_000_000


def kill(how: str, folder: Path, template: Path, place: Path) -> list[tuple[Path, str]]:
    """Run registrations that are killed; return their data directories and how they ended."""
    place.mkdir()
    module = "tests.support.killed_registration"
    command = [sys.executable, "-m", module, how, str(folder), str(template), str(place)]
    lines = subprocess.check_output(command, text=True).splitlines()
    ended = (line.rsplit(" ", 1) for line in lines if line.endswith((" killed", " whole")))
    return [(Path(path), word) for path, word in ended]


def find(database: Database) -> Release | None:
    with database.reading() as session:
        try:
            return queries.get(session, NAME)
        except UnknownRelease:
            return None


def check(data_dir: Path, folder: Path) -> bool:
    """Check what a killed registration left; return whether its release was there."""
    database, store = Database(f"sqlite:///{data_dir / 'corral.db'}"), Store(data_dir / "store")
    try:
        for sha256 in store.objects():
            content = store.path_of(sha256).read_bytes()
            assert hashlib.sha256(content).hexdigest() == sha256, "an object is not whole"
        release = find(database)
        if release is not None:
            with database.reading() as session:
                manifest = queries.manifest_of(session, release)
            assert manifest.digest == release.digest
            assert store.verify(manifest).holds
        later = register_folder(
            database,
            store,
            folder=folder,
            name=NAME,
            license="",
            source="",
            actor="operator",
            progress=None,
        )
        with database.reading() as session:
            manifest = queries.manifest_of(session, later)
        assert later.digest == manifest.digest
        assert store.verify(manifest).holds
        store.sweep_temp(older_than_seconds=0)
        assert collect(database, store, grace_seconds=0).waiting == ()
        assert {path.name for path in store.root.iterdir()} <= {
            "sha256",
            "incoming",
            "lock",
            "unreferenced",
        }
        assert list((store.root / "incoming").iterdir()) == []
        return release is not None
    finally:
        database.close()


def test_a_registration_that_is_killed_at_any_step_leaves_a_whole_release_or_none(
    tmp_path: Path, sqlite_template: Path
) -> None:
    folder = make_sharded(tmp_path / "folder")

    ended = kill("steps", folder, sqlite_template, tmp_path / "killed")

    there = [check(data_dir, folder) for data_dir, _ in ended]
    assert [word for _, word in ended][-1] == "whole"
    assert len(ended) > 2 * KILLS
    assert there == sorted(there), "once it is there it stays"
    assert there.count(False) > KILLS


@pytest.mark.timeout(240)
def test_a_registration_that_is_killed_at_any_time_leaves_a_whole_release_or_none(
    tmp_path: Path, sqlite_template: Path
) -> None:
    folder = make_sharded(tmp_path / "folder")
    weights = folder / "model-00001-of-00002.safetensors"
    weights.write_bytes(safetensors_bytes({"a": bytes(LARGE_BYTES)}))

    ended = kill("times", folder, sqlite_template, tmp_path / "killed")

    there = [check(data_dir, folder) for data_dir, _ in ended]
    assert len(there) == KILLS
    assert False in there
