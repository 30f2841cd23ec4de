"""Quarantine: bytes are in doubt, so nobody uses them, until two people say otherwise.

It is about a digest, whatever the releases with these bytes are called. A quarantine is never
removed: a lifted one says who lifted it, and on which verification. The database refuses one
that whoever placed it lifted too, and a second one on a digest that is in quarantine already.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from registry.accounts.model import Account, Role
from registry.clock import now
from registry.errors import (
    NotFreshlyVerified,
    ReasonMissing,
    ReleaseMoved,
    RoleMissing,
    SecondPersonNeeded,
)
from registry.releases import moves, verifications
from registry.releases.model import Quarantine, Release, ReleaseState

_STANDING = (
    select(Quarantine)
    .where(Quarantine.digest == bindparam("of_digest"), Quarantine.lifted_at.is_(None))
    .execution_options(populate_existing=True)
)
_OF_DIGESTS = (
    select(Quarantine)
    .where(Quarantine.digest.in_(bindparam("of_digests", expanding=True)))
    .order_by(Quarantine.id)
)
_IN_USE = (ReleaseState.REGISTERED, ReleaseState.VERIFIED, ReleaseState.PUBLISHED)


def place(session: Session, *, digest: str, actor: str, reason: str) -> list[str]:
    """Quarantine every release with these bytes; return the names of those that moved.

    None moves where the digest is in quarantine already.
    """
    moves.hold(session, digest)
    found = session.scalars(
        select(Release)
        .where(Release.digest == digest, Release.state.in_(_IN_USE))
        .execution_options(populate_existing=True)
    ).all()
    if not found or standing(session, digest) is not None:
        return []
    session.add(
        Quarantine(
            digest=digest,
            placed_by=actor,
            placed_at=now(),
            reason=reason,
            stopped={each.name: each.state.value for each in found},
        )
    )
    for release in found:
        moves.advance(session, release, to=ReleaseState.QUARANTINED, actor=actor, reason=reason)
    return [each.name for each in found]


def quarantine(session: Session, *, name: str, actor: str, reason: str) -> list[str]:
    """Quarantine the bytes of a release by hand, under each of their names; return those.

    Raises:
        UnknownRelease: No release has that name.
        ReasonMissing: A quarantine needs a reason.
        ReleaseMoved: It is in quarantine already, or withdrawn.
    """
    if not reason.strip():
        raise ReasonMissing(f"say why {name} is to be quarantined", release=name)
    release = moves.held(session, name)
    if release.state not in _IN_USE:
        raise ReleaseMoved(
            f"{name} is {release.state} and cannot become {ReleaseState.QUARANTINED}",
            release=name,
            state=release.state,
        )
    return place(session, digest=release.digest, actor=actor, reason=reason)


def lift(session: Session, *, name: str, account: Account, reason: str) -> list[Release]:
    """Lift the quarantine of a release's bytes; return the releases that are back.

    1. The account is a reviewer's or an administrator's, and gives a reason.
    2. The newest verification that began after the quarantine holds, and a person had it done.
    3. The account is neither who quarantined nor who verified.

    What was published is published again, so its waiting jobs go on; the rest is verified.

    Raises:
        RoleMissing: See 1.
        ReasonMissing: See 1.
        UnknownRelease: No release has that name.
        ReleaseMoved: It is not in quarantine.
        NotFreshlyVerified: See 2.
        SecondPersonNeeded: See 3.
    """
    if not (account.has(Role.REVIEWER) or account.has(Role.ADMIN)):
        raise RoleMissing(Role.REVIEWER)
    if not reason.strip():
        raise ReasonMissing(f"say why {name} can be trusted again", release=name)
    release = moves.held(session, name)
    row = standing(session, release.digest)
    if row is None or release.state is not ReleaseState.QUARANTINED:
        raise ReleaseMoved(
            f"{name} is {release.state}, not in quarantine", release=name, state=release.state
        )
    verification = verifications.newest_by_person(
        session, release.digest, started_after=row.placed_at
    )
    if verification is None or not verification.holds:
        raise NotFreshlyVerified(name, placed_at=row.placed_at)
    if account.handle in (row.placed_by, verification.verified_by):
        raise SecondPersonNeeded(name, handle=account.handle)
    session.execute(
        update(Quarantine)
        .where(Quarantine.id == row.id)
        .values(
            lifted_by=account.handle,
            lifted_at=now(),
            lift_reason=reason,
            verification_id=verification.id,
        )
    )
    back = session.scalars(
        select(Release)
        .where(Release.digest == row.digest, Release.state == ReleaseState.QUARANTINED)
        .execution_options(populate_existing=True)
    ).all()
    for each in back:
        was_published = row.stopped.get(each.name) == ReleaseState.PUBLISHED
        moves.advance(
            session,
            each,
            to=ReleaseState.PUBLISHED if was_published else ReleaseState.VERIFIED,
            actor=account.handle,
            reason=reason,
            verification=str(verification.id),
        )
    return list(back)


def standing(session: Session, digest: str) -> Quarantine | None:
    """Return the quarantine that a digest is in now, if it is in one."""
    return session.scalar(_STANDING, {"of_digest": digest})


def of_digests(session: Session, digests: Collection[str]) -> dict[str, list[Quarantine]]:
    """Return every quarantine that these digests were ever in, in order."""
    found: dict[str, list[Quarantine]] = defaultdict(list)
    for row in session.scalars(_OF_DIGESTS, {"of_digests": list(digests)}):
        found[row.digest].append(row)
    return found


def since(generated_at: datetime | None, rows: Iterable[Quarantine]) -> list[Quarantine]:
    """Return the quarantines that mark what was generated then: all but those lifted before.

    What was not generated has no marks.
    """
    return [
        each
        for each in rows
        if generated_at is not None and (each.lifted_at is None or each.lifted_at > generated_at)
    ]
