"""Request, approve, deny, withdraw, revoke."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from registry.access import queries
from registry.access.model import AccessMessage, AccessRequest, Approval, RequestState, Scope
from registry.accounts.model import Account
from registry.clock import now
from registry.errors import (
    BadParameters,
    LicenseNotAccepted,
    OwnRequest,
    ReasonMissing,
    ReleaseNotPublished,
    RequestExists,
    RequestMoved,
    UnknownRequest,
)
from registry.ledger import service as ledger
from registry.releases.model import Release, ReleaseState


def request(
    session: Session,
    *,
    account: Account,
    release: Release,
    purpose: str,
    affiliation: str,
    intended_use: str,
    accepts_license: bool,
) -> AccessRequest:
    """Ask to use a release.

    Raises:
        LicenseNotAccepted: The release's licence must be accepted.
        ReleaseNotPublished: It cannot be requested now.
        RequestExists: The researcher's earlier request is still open.
    """
    if not accepts_license:
        raise LicenseNotAccepted(
            f"{release.name} is under the licence {release.license!r}: read it, and send "
            "accepts_license: true (or --accept-license)",
            release=release.name,
        )
    if release.state is not ReleaseState.PUBLISHED:
        raise ReleaseNotPublished(release.name, state=release.state)
    waiting = session.scalar(
        select(AccessRequest.id).where(
            AccessRequest.account_id == account.id,
            AccessRequest.release_id == release.id,
            AccessRequest.state == RequestState.OPEN,
        )
    )
    if waiting is not None:
        raise RequestExists(
            f"your request {waiting} for {release.name} is still open", request=str(waiting)
        )
    row = AccessRequest(
        account_id=account.id,
        release_id=release.id,
        state=RequestState.OPEN,
        purpose=purpose,
        affiliation=affiliation,
        intended_use=intended_use,
        created_at=now(),
    )
    session.add(row)
    session.flush()
    ledger.record(
        session,
        actor=account.handle,
        action="access.requested",
        subject=str(row.id),
        release=release.name,
        digest=release.digest,
    )
    return row


def say(session: Session, *, row: AccessRequest, author: Account, body: str) -> AccessMessage:
    """Add a message to the conversation about a request."""
    message = AccessMessage(request_id=row.id, author=author.handle, body=body, created_at=now())
    session.add(message)
    session.flush()
    return message


def approve(
    session: Session,
    *,
    row: AccessRequest,
    reviewer: Account,
    days: int,
    scopes: Iterable[Scope] = (Scope.GENERATE,),
    reason: str = "",
) -> Approval:
    """Say yes, for some scopes and until a day.

    Raises:
        OwnRequest: Nobody decides their own request.
        RequestMoved: It has been decided or withdrawn.
        BadParameters: No scope was given, or the days are not positive.
    """
    given = sorted({scope.value for scope in scopes})
    if not given or days < 1:
        raise BadParameters("an approval needs at least one scope and at least one day")
    _not_by_requester(row, reviewer)
    _decide(session, row, to=RequestState.APPROVED, actor=reviewer.handle, reason=reason)
    approval = Approval(
        request_id=row.id,
        account_id=row.account_id,
        release_id=row.release_id,
        scopes=given,
        approved_by=reviewer.handle,
        approved_at=now(),
        expires_at=now() + timedelta(days=days),
    )
    session.add(approval)
    session.flush()
    ledger.record(
        session,
        actor=reviewer.handle,
        action="approval.given",
        subject=str(approval.id),
        request=str(row.id),
        scopes=given,
        expires_at=approval.expires_at.isoformat(),
    )
    return approval


def deny(session: Session, *, row: AccessRequest, reviewer: Account, reason: str) -> AccessRequest:
    """Say no, with a reason.

    Raises:
        ReasonMissing: There is none.
        OwnRequest: Nobody decides their own request.
        RequestMoved: It has been decided or withdrawn.
    """
    if not reason.strip():
        raise ReasonMissing("a denial needs a reason that helps the researcher")
    _not_by_requester(row, reviewer)
    _decide(session, row, to=RequestState.DENIED, actor=reviewer.handle, reason=reason)
    return row


def withdraw(session: Session, *, row: AccessRequest, account: Account) -> AccessRequest:
    """Take one's own request back.

    Raises:
        UnknownRequest: It is somebody else's.
        RequestMoved: It has been decided or withdrawn.
    """
    if row.account_id != account.id:
        raise UnknownRequest(f"there is no access request {row.id} of yours", request=str(row.id))
    _decide(session, row, to=RequestState.WITHDRAWN, actor=account.handle, reason="")
    return row


def revoke(session: Session, *, approval_id: UUID, reviewer: Account, reason: str) -> Approval:
    """Take an approval back; jobs that are queued or running notice.

    Raises:
        ReasonMissing: There is none.
        UnknownApproval: There is no such approval.
        RequestMoved: It was revoked before.
    """
    if not reason.strip():
        raise ReasonMissing("a revocation needs a reason")
    approval = queries.approval(session, approval_id)
    swap = (
        update(Approval)
        .where(Approval.id == approval_id, Approval.revoked_at.is_(None))
        .values(revoked_at=now(), revoked_by=reviewer.handle, revoke_reason=reason)
        .returning(Approval.id)
    )
    if session.scalar(swap) is None:
        raise RequestMoved(f"the approval {approval_id} was revoked before")
    session.refresh(approval)
    ledger.record(
        session,
        actor=reviewer.handle,
        action="approval.revoked",
        subject=str(approval_id),
        reason=reason,
    )
    return approval


def _not_by_requester(row: AccessRequest, reviewer: Account) -> None:
    if row.account_id == reviewer.id:
        raise OwnRequest("nobody decides their own request: ask another reviewer")


def _decide(
    session: Session, row: AccessRequest, *, to: RequestState, actor: str, reason: str
) -> None:
    """Move an open request to its end, if it is still open."""
    swap = (
        update(AccessRequest)
        .where(AccessRequest.id == row.id, AccessRequest.state == RequestState.OPEN)
        .values(state=to, decided_at=now(), decided_by=actor, reason=reason)
        .returning(AccessRequest.id)
    )
    if session.scalar(swap) is None:
        session.refresh(row)
        raise RequestMoved(f"the request {row.id} is {row.state}", request=str(row.id))
    session.refresh(row)
    ledger.record(session, actor=actor, action=f"access.{to}", subject=str(row.id), reason=reason)
