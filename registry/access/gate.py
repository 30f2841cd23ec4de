"""``admit``: the only place that says yes.

It is asked at submission, when a worker claims the job, and before an output is released.

1. The release exists and is published, and its bytes are not in quarantine under any name.
2. The researcher has an approval for it that is neither expired nor revoked.
3. The approval covers the scope.

Anything else is a no that says what to do next.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from registry.access.model import AccessRequest, Approval, RequestState, Scope
from registry.clock import now
from registry.errors import (
    ApprovalExpired,
    ApprovalRevoked,
    NotApproved,
    ReleaseNotPublished,
    ReleaseQuarantined,
    ScopeMissing,
    UnknownRelease,
)
from registry.releases.model import Release, ReleaseState
from registry.releases.quarantine import standing

# Asked several times for each job, so made once.
_APPROVALS = (
    select(Approval)
    .where(
        Approval.account_id == bindparam("of_account"),
        Approval.release_id == bindparam("of_release"),
    )
    .order_by(Approval.id.desc())
    .execution_options(populate_existing=True)
)
_APPROVALS_HELD = _APPROVALS.with_for_update(read=True)

_NEXT_STEP: dict[RequestState | None, str] = {
    None: "ask for it with POST /v1/access-requests (or corral request NAME --purpose TEXT)",
    RequestState.OPEN: "your request waits for a reviewer",
    RequestState.DENIED: "your request was denied; you may write a new one",
    RequestState.WITHDRAWN: "you withdrew your request; you may write a new one",
    RequestState.APPROVED: "your approval is gone; write a new request",
}


def admit(
    session: Session,
    *,
    account_id: UUID,
    release_id: UUID,
    scope: Scope,
    until_commit: bool = False,
) -> Approval:
    """Return the approval under which this researcher may use this release now.

    Args:
        session: A transaction.
        account_id: The researcher.
        release_id: The release.
        scope: What for.
        until_commit: Whether the yes is to hold until this transaction ends: who takes the
            release or the approval away meanwhile then waits for it.

    Raises:
        UnknownRelease: There is no such release.
        ReleaseQuarantined: Its bytes are in doubt.
        ReleaseNotPublished: Nobody may use it yet, or any more.
        ApprovalRevoked: The newest approval was taken back.
        ApprovalExpired: The newest approval's time is over.
        ScopeMissing: No live approval covers this use.
        NotApproved: There never was an approval.
    """
    held = {"read": True} if until_commit else None
    release = session.get(Release, release_id, populate_existing=True, with_for_update=held)
    if release is None:
        raise UnknownRelease(str(release_id))
    if release.state is ReleaseState.QUARANTINED or standing(session, release.digest) is not None:
        raise ReleaseQuarantined(release.name, state=ReleaseState.QUARANTINED)
    if release.state is not ReleaseState.PUBLISHED:
        raise ReleaseNotPublished(release.name, state=release.state)
    approvals = session.scalars(
        _APPROVALS_HELD if until_commit else _APPROVALS,
        {"of_account": account_id, "of_release": release_id},
    ).all()
    live = [each for each in approvals if each.revoked_at is None and each.expires_at > now()]
    for approval in live:
        if scope.value in approval.scopes:
            return approval
    raise _refusal(session, account_id, release, approvals[0] if approvals else None, live, scope)


def admit_all(
    session: Session,
    uses: Iterable[tuple[UUID, UUID]],
    *,
    scope: Scope,
    until_commit: bool = False,
) -> None:
    """Check that each of these researchers may use this release now; each pair is asked once.

    Args:
        session: A transaction.
        uses: Researcher and release.
        scope: As ``admit`` takes it.
        until_commit: As ``admit`` takes it.

    Raises:
        Refused: ``admit`` says no to one of them.
    """
    # In one order, so that of two who ask for the same ones neither waits for the other.
    for account_id, release_id in sorted(set(uses)):
        admit(
            session,
            account_id=account_id,
            release_id=release_id,
            scope=scope,
            until_commit=until_commit,
        )


def _refusal(
    session: Session,
    account_id: UUID,
    release: Release,
    newest: Approval | None,
    live: list[Approval],
    scope: Scope,
) -> NotApproved:
    """Say why not, and what to do next."""
    name = release.name
    if live:
        return ScopeMissing(
            f"your approval for {name} does not cover {scope}: ask a reviewer for it",
            release=name,
            scope=scope,
        )
    if newest is not None and newest.revoked_at is not None:
        return ApprovalRevoked(
            f"your approval for {name} was revoked on {newest.revoked_at:%Y-%m-%d}: "
            "talk to a reviewer before you write a new request",
            release=name,
            approval=str(newest.id),
        )
    if newest is not None:
        return ApprovalExpired(
            f"your approval for {name} expired on {newest.expires_at:%Y-%m-%d}: {_NEXT_STEP[None]}",
            release=name,
            approval=str(newest.id),
            expired_at=newest.expires_at.isoformat(),
        )
    state = session.scalar(
        select(AccessRequest.state)
        .where(AccessRequest.account_id == account_id, AccessRequest.release_id == release.id)
        .order_by(AccessRequest.id.desc())
        .limit(1)
    )
    return NotApproved(
        f"no approval for {name}: {_NEXT_STEP[state]}", release=name, request_state=state
    )
