"""Read access requests and approvals."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.access.model import AccessMessage, AccessRequest, Approval, RequestState
from registry.accounts.model import Account, Role
from registry.db.paging import Page, paged
from registry.errors import UnknownApproval, UnknownRequest


def request(session: Session, identifier: UUID, *, viewer: Account) -> AccessRequest:
    """Return one request, to its researcher or to anybody who may decide or audit it.

    Raises:
        UnknownRequest: There is none that this viewer may see.
    """
    row = session.get(AccessRequest, identifier)
    if row is None or not (row.account_id == viewer.id or _sees_all(viewer)):
        raise UnknownRequest(f"there is no access request {identifier}", request=str(identifier))
    return row


def requests(
    session: Session,
    *,
    viewer: Account,
    state: RequestState | None,
    limit: int,
    cursor: str | None,
) -> Page[AccessRequest]:
    """Return requests, newest first: one's own, or all to those who decide or audit."""
    query = select(AccessRequest)
    if not _sees_all(viewer):
        query = query.where(AccessRequest.account_id == viewer.id)
    if state is not None:
        query = query.where(AccessRequest.state == state)
    return paged(session, query, AccessRequest, limit=limit, cursor=cursor)


def messages(session: Session, row: AccessRequest) -> Sequence[AccessMessage]:
    """Return the conversation about a request, oldest first."""
    return session.scalars(
        select(AccessMessage).where(AccessMessage.request_id == row.id).order_by(AccessMessage.id)
    ).all()


def approval(session: Session, identifier: UUID) -> Approval:
    """Return one approval.

    Raises:
        UnknownApproval: There is none with this identifier.
    """
    row = session.get(Approval, identifier)
    if row is None:
        raise UnknownApproval(f"there is no approval {identifier}", approval=str(identifier))
    return row


def approvals(
    session: Session, *, viewer: Account, limit: int, cursor: str | None
) -> Page[Approval]:
    """Return approvals, newest first: one's own, or all to those who decide or audit."""
    query = select(Approval)
    if not _sees_all(viewer):
        query = query.where(Approval.account_id == viewer.id)
    return paged(session, query, Approval, limit=limit, cursor=cursor)


def _sees_all(viewer: Account) -> bool:
    return viewer.has(Role.REVIEWER) or viewer.has(Role.AUDITOR) or viewer.has(Role.ADMIN)
