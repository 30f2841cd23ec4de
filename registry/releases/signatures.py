"""Sign releases, and tell who signed them: the ledger has an entry for each signature."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)

from registry.checkpoints import keys
from registry.checkpoints.digest import Progress
from registry.checkpoints.resources import Serialization
from registry.checkpoints.signing import sign_files
from registry.db.paging import PAGE_LIMIT
from registry.db.session import Database, Session
from registry.errors import ReleaseMoved
from registry.ledger import queries as entries
from registry.ledger import service as ledger
from registry.releases import queries
from registry.releases.model import Release, ReleaseState
from registry.releases.store import Store

SIGNED = "release.signed"

_DOUBTFUL = frozenset({ReleaseState.QUARANTINED, ReleaseState.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class Signature:
    """That a release was signed.

    Attributes:
        key: sha256 of the public key's PEM text, 64 hex digits.
        hash_type: What digests its files.
        shard_size: In bytes; ``None`` where files are signed whole.
        signed_at: When, as the ledger has it: ISO 8601.
    """

    key: str
    hash_type: str
    shard_size: int | None
    signed_at: str

    @property
    def is_common(self) -> bool:
        """Whether every verifier knows how, the command of model_signing 1.1.1 too."""
        return self.hash_type == "sha256" and self.shard_size is None


def sign_release(
    database: Database,
    store: Store,
    *,
    name: str,
    key: EllipticCurvePrivateKey,
    serialization: Serialization,
    actor: str,
    progress: Progress | None = None,
) -> bytes:
    """Return a bundle over the files that were registered, and write down who signed.

    What was registered is signed, not what the store holds by now; shards alone are read
    from there, and must have the registered bytes.

    Raises:
        UnknownRelease: No release has that name.
        ReleaseMoved: Its bytes are in doubt, or it was withdrawn.
        BadCheckpoint: A file cannot be signed so that others could verify it.
        UnknownFile: The store has lost a file.
    """
    with database.reading() as session:
        release = queries.get(session, name)
        manifest = queries.manifest_of(session, release)
    _check_state(release)
    bundle = sign_files(
        manifest.files,
        name=name.rpartition("/")[2],
        key=key,
        serialization=serialization,
        file_of=lambda path: store.entry_path(manifest, path),
        progress=progress,
    )
    with database.transaction() as session:
        record(
            session,
            name=name,
            key=key.public_key(),
            serialization=serialization,
            actor=actor,
        )
    return bundle


def record(
    session: Session,
    *,
    name: str,
    key: EllipticCurvePublicKey,
    serialization: Serialization,
    actor: str,
) -> None:
    """Write down that a key signed a release.

    Raises:
        UnknownRelease: No release has that name.
        ReleaseMoved: Its bytes are in doubt, or it was withdrawn.
    """
    release = queries.get(session, name)
    _check_state(release)
    ledger.record(
        session,
        actor=actor,
        action=SIGNED,
        subject=name,
        digest=release.digest,
        key=keys.hint_of(key),
        hash_type=serialization.hash_type,
        shard_size=serialization.shard_size,
    )


def signatures_of(session: Session, release: Release) -> Sequence[Signature]:
    """Return every signature of a release's bytes that was made here, newest first."""
    found: list[Signature] = []
    cursor: str | None = None
    while True:
        page = entries.entries(session, subject=release.name, limit=PAGE_LIMIT, cursor=cursor)
        for entry in page.rows:
            facts = json.loads(entry.facts)
            if entry.action == SIGNED and facts["digest"] == release.digest:
                found.append(
                    Signature(
                        key=facts["key"],
                        hash_type=facts["hash_type"],
                        shard_size=facts.get("shard_size"),
                        signed_at=entry.recorded_at.isoformat(),
                    )
                )
        cursor = page.next_cursor
        if cursor is None:
            return found


def verify_command(name: str, signature: str = "model.sig") -> str:
    """Return with what an outsider verifies an exported folder of a release."""
    folder = shlex.quote(name.rpartition("/")[2])
    return (
        f"model_signing verify key {folder} --signature {shlex.quote(signature)} "
        "--public_key key.pub"
    )


def _check_state(release: Release) -> None:
    if release.state in _DOUBTFUL:
        raise ReleaseMoved(
            f"{release.name} is {release.state}, and only releases that may be used are signed",
            release=release.name,
            state=release.state,
        )
