"""Approvals: what was granted, and taking it back."""

from uuid import UUID

from fastapi import APIRouter

from api.dependencies import Paging, Reads, Writes
from api.identity import Anybody, Reviewer
from api.openapi import ROLE, SIGN_IN, problems
from api.v1.names import handle_of, release_name_of
from api.v1.schemas.access import ApprovalView
from api.v1.schemas.fields import Decision, PageView
from registry.access import queries
from registry.access import service as access
from registry.access.model import Approval, Scope
from registry.db.session import Session
from registry.errors import BadCursor, ReasonMissing, RequestMoved, UnknownApproval

router = APIRouter(prefix="/v1/approvals", tags=["access"])


@router.get("", summary="List approvals", responses=problems(*SIGN_IN, BadCursor))
def list_approvals(account: Anybody, session: Reads, place: Paging) -> PageView[ApprovalView]:
    """Return one's own approvals; reviewers, auditors and administrators see all."""
    page = queries.approvals(session, viewer=account, limit=place.limit, cursor=place.cursor)
    return PageView(
        items=[approval_view(session, row) for row in page.rows], next_cursor=page.next_cursor
    )


@router.post(
    "/{identifier}/revoke",
    summary="Revoke an approval",
    responses=problems(*ROLE, UnknownApproval, RequestMoved, ReasonMissing, body=True),
)
def revoke(identifier: UUID, body: Decision, account: Reviewer, session: Writes) -> ApprovalView:
    """Take an approval back. Jobs that are queued or running notice."""
    row = access.revoke(session, approval_id=identifier, reviewer=account, reason=body.reason)
    return approval_view(session, row)


def approval_view(session: Session, row: Approval) -> ApprovalView:
    """Return what callers see of an approval."""
    return ApprovalView(
        id=row.id,
        request_id=row.request_id,
        release=release_name_of(session, row.release_id),
        researcher=handle_of(session, row.account_id),
        scopes=[Scope(each) for each in row.scopes],
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by,
        revoke_reason=row.revoke_reason,
    )
