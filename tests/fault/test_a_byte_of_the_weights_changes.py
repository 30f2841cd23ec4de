"""One byte of the stored weights changes: nobody generates with them, and jobs wait."""

from pathlib import Path

import pytest
from sqlalchemy import select

from api.client import ApiProblem
from registry.jobs.states import JobState
from registry.ledger.model import Entry
from registry.releases import queries as releases
from registry.releases.model import Release, ReleaseState
from registry.releases.store import Store
from registry.releases.verifying import verify_release
from tests.support import stack
from tests.support.stack import Stack


def release_of(service: Stack) -> Release:
    """Read the bundled release's row."""
    with service.database.reading() as session:
        return releases.get(session, service.ready.release.name)


def weights(service: Stack) -> Path:
    """Return the stored weights."""
    with service.database.reading() as session:
        manifest = releases.manifest_of(session, release_of(service))
    return Store(service.settings.store_dir).entry_path(manifest, "model.safetensors")


def flip(path: Path) -> None:
    """Flip one bit in the middle of a file that is read-only."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)


def test_a_changed_byte_quarantines_the_release_and_its_jobs_wait(tmp_path: Path) -> None:
    with (
        stack.running(stack.embedded(tmp_path), parts=("score", "schedule", "serve")) as service,
        service.client() as client,
    ):
        name = service.ready.release.name
        waiting = client.submit(name, "Once upon a time", max_new_tokens=4)["id"]
        flip(weights(service))

        stack.start(service, "generate")

        service.until(lambda: release_of(service).state is ReleaseState.QUARANTINED)
        service.until(lambda: service.job(waiting).state is JobState.QUEUED)
        with pytest.raises(ApiProblem) as refusal:
            client.submit(name, "Once upon a time", max_new_tokens=4)
        assert refusal.value.code == "release_quarantined"
        with service.database.reading() as session:
            entry = session.scalars(
                select(Entry).where(Entry.action == "release.quarantined")
            ).one()
        assert "model.safetensors" in entry.facts
        flip(weights(service))
        verify_release(
            service.database,
            Store(service.settings.store_dir),
            name=name,
            actor="operator",
            progress=None,
        )
        with service.client("demo-reviewer") as reviewer:
            reviewer.lift(name, reason="the disk was replaced")
        assert service.wait_for(waiting).state is JobState.DONE
