"""Read the stored bytes of a release back, hash them, and write down what was found.

What holds makes a registered release verified; what does not is quarantined in the same
transaction that records it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.checkpoints.digest import Progress
from registry.checkpoints.manifest import Differences, Manifest
from registry.clock import now
from registry.db.session import Database
from registry.errors import Unavailable
from registry.ledger import service as ledger
from registry.releases import moves, quarantine, queries
from registry.releases.model import Release, ReleaseState, Verification
from registry.releases.store import Store


@dataclass(frozen=True, slots=True)
class Verified:
    """What verifying a release found.

    Attributes:
        release: As it is afterwards.
        manifest: What its files must be.
        differences: How the stored files differ from that.
        verification: The record of it.
    """

    release: Release
    manifest: Manifest
    differences: Differences
    verification: Verification


def verify_release(
    database: Database, store: Store, *, name: str, actor: str, progress: Progress | None
) -> Verified:
    """Hash every stored file of a release and record the result; quarantine it if one differs.

    Raises:
        UnknownRelease: No release has that name.
        Unavailable: There is no store here at all, which says nothing about the bytes.
        BadCheckpoint: A file is there but cannot be read.
    """
    started_at = now()
    with database.reading() as session:
        release = queries.get(session, name)
        manifest = queries.manifest_of(session, release)
    check_store(store)
    differences = store.verify(manifest, progress=progress)
    with database.transaction() as session:
        verification = record(
            session,
            digest=manifest.digest,
            actor=actor,
            started_at=started_at,
            files=len(manifest.files) - len(differences.missing),
            bytes_read=_read(manifest, differences),
            problems=differences.summary(),
        )
        return Verified(queries.get(session, name), manifest, differences, verification)


def record(
    session: Session,
    *,
    digest: str,
    actor: str,
    started_at: datetime,
    files: int,
    bytes_read: int,
    problems: Sequence[str],
) -> Verification:
    """Write down what verifying the files of a digest found, and do what follows from it."""
    holds = not problems
    row = Verification(
        digest=digest,
        verified_by=actor,
        started_at=started_at,
        finished_at=now(),
        files=files,
        bytes_read=bytes_read,
        holds=holds,
        problems=list(problems),
    )
    session.add(row)
    session.flush()
    ledger.record(
        session,
        actor=actor,
        action="verification.held" if holds else "verification.failed",
        subject=digest,
        verification=str(row.id),
        files=row.files,
        bytes_read=row.bytes_read,
        problems=row.problems,
    )
    if not holds:
        quarantine.place(session, digest=digest, actor=actor, reason="; ".join(problems))
        return row
    moves.hold(session, digest)
    for release in session.scalars(
        select(Release).where(Release.digest == digest, Release.state == ReleaseState.REGISTERED)
    ):
        moves.advance(
            session,
            release,
            to=ReleaseState.VERIFIED,
            actor=actor,
            verification=str(row.id),
        )
    return row


def check_store(store: Store) -> None:
    """Check that there is a store, so that a folder that is not mounted is no damage.

    Raises:
        Unavailable: There is none.
    """
    if not (store.root / "sha256").is_dir():
        raise Unavailable(
            f"there is no store at {store.root}: mount it, or set CORRAL_DATA_DIR; "
            "nothing was verified"
        )


def _read(manifest: Manifest, differences: Differences) -> int:
    """Return how many bytes of the store were hashed."""
    missing = {each.path for each in differences.missing}
    other = {expected.path: found.size for expected, found in differences.different}
    return sum(
        other.get(each.path, each.size) for each in manifest.files if each.path not in missing
    )
