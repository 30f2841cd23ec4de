"""Move a release from state to state, one at a time for each digest.

Releases with the same bytes share their fate, so whoever moves one of them holds the lock of
its digest until the transaction ends.
"""

from sqlalchemy import update
from sqlalchemy.orm import Session

from registry.clock import now
from registry.db.session import lock
from registry.errors import ReleaseMoved
from registry.ledger import service as ledger
from registry.releases import queries
from registry.releases.model import RELEASE_MOVES, Release, ReleaseState


def hold(session: Session, digest: str) -> None:
    """Hold the lock of a digest until the transaction ends."""
    lock(session, f"corral.release.{digest}")


def held(session: Session, name: str) -> Release:
    """Return the release with this name as it is, while its digest's lock is held.

    Raises:
        UnknownRelease: No release has it.
    """
    release = queries.get(session, name)
    hold(session, release.digest)
    session.refresh(release)
    return release


def advance(
    session: Session,
    release: Release,
    *,
    to: ReleaseState,
    actor: str,
    reason: str = "",
    verification: str | None = None,
) -> None:
    """Move a release one step, by compare-and-swap, and write the step to the ledger.

    Raises:
        ReleaseMoved: There is no such move from where it is, or somebody else was quicker.
    """
    swap = (
        update(Release)
        .where(Release.id == release.id, Release.state == release.state)
        .values(state=to, state_reason=reason, moved_at=now())
        .returning(Release.id)
        .execution_options(synchronize_session=False)
    )
    if to not in RELEASE_MOVES[release.state] or session.scalar(swap) is None:
        raise ReleaseMoved(
            f"{release.name} is {release.state} and cannot become {to}",
            release=release.name,
            state=release.state,
        )
    session.refresh(release)
    ledger.record(
        session,
        actor=actor,
        action=f"release.{to}",
        subject=release.name,
        digest=release.digest,
        reason=reason,
        verification=verification,
    )
