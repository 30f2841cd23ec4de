"""Real releases in a real store, and what people do with them."""

from collections.abc import Callable
from pathlib import Path

from registry.accounts import service as accounts
from registry.accounts.model import Role
from registry.db.session import Database
from registry.releases import quarantine, queries, service
from registry.releases.intake import register_folder
from registry.releases.model import Release, ReleaseState
from registry.releases.store import Store
from registry.releases.verifying import Verified, verify_release

NAME = "owner/tiny"
OTHER = "owner/same-bytes"


def register(database: Database, store: Store, folder: Path, name: str) -> Release:
    """Register a folder."""
    return register_folder(
        database,
        store,
        folder=folder,
        name=name,
        license="MIT",
        source="a test",
        actor="operator",
        progress=None,
    )


def verify(database: Database, store: Store, actor: str = "operator") -> Verified:
    """Verify the stored files."""
    return verify_release(database, store, name=NAME, actor=actor, progress=None)


def damage(store: Store, release: Release, database: Database) -> Callable[[], None]:
    """Flip a bit of the stored weights; return what flips it back."""
    with database.reading() as session:
        manifest = queries.manifest_of(session, release)
    path = store.entry_path(manifest, "model.safetensors")

    def flip() -> None:
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.chmod(0o600)
        path.write_bytes(content)

    flip()
    return flip


def state(database: Database, name: str = NAME) -> ReleaseState:
    """Return the state of a release."""
    with database.reading() as session:
        return queries.get(session, name).state


def publish(database: Database, name: str = NAME) -> None:
    """Publish a release."""
    with database.transaction() as session:
        service.publish(session, name=name, actor="operator")


def put_in_quarantine(database: Database, actor: str = "operator") -> None:
    """Put the bytes of a release into quarantine."""
    with database.transaction() as session:
        quarantine.quarantine(session, name=NAME, actor=actor, reason="a rumour")


def lift(
    database: Database, handle: str, role: Role = Role.REVIEWER, reason: str = "it is sound"
) -> None:
    """Lift the quarantine as somebody."""
    with database.transaction() as session:
        account = accounts.add(session, handle=handle, roles=[role])
        quarantine.lift(session, name=NAME, account=account, reason=reason)
