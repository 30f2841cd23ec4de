"""Access requests: a researcher asks, somebody else decides."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from api.dependencies import AllDoors, Paging, Reads, Writes
from api.idempotency import REPLAYED, Key, Once
from api.identity import Anybody, Participant, Researcher, Reviewer
from api.openapi import ROLE, SIGN_IN, problems
from api.v1.approvals import approval_view
from api.v1.names import handle_of, release_name_of
from api.v1.schemas.access import (
    AccessRequestDetail,
    AccessRequestView,
    AccessSubmission,
    ApprovalSubmission,
    ApprovalView,
    MessageSubmission,
    MessageView,
)
from api.v1.schemas.fields import Decision, PageView
from registry.access import queries
from registry.access import service as access
from registry.access.model import AccessMessage, AccessRequest, RequestState
from registry.db.session import Session
from registry.errors import (
    BadCursor,
    BadParameters,
    IdempotencyInProgress,
    IdempotencyMismatch,
    LicenseNotAccepted,
    OwnRequest,
    ReasonMissing,
    ReleaseNotPublished,
    ReleaseQuarantined,
    RequestExists,
    RequestMoved,
    UnknownRelease,
    UnknownRequest,
)
from registry.releases import queries as releases

router = APIRouter(prefix="/v1/access-requests", tags=["access"])


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Ask to use a release",
    responses=problems(
        *ROLE,
        UnknownRelease,
        ReleaseNotPublished,
        ReleaseQuarantined,
        LicenseNotAccepted,
        RequestExists,
        BadParameters,
        IdempotencyMismatch,
        IdempotencyInProgress,
        body=True,
    ),
)
def request_access(
    body: AccessSubmission, account: Researcher, session: Writes, key: Key, response: Response
) -> AccessRequestView:
    """Write an access request. A reviewer, never its researcher, decides it."""
    once = Once(account, "access-requests", key, body)
    known = once.made_before(session)
    if known is None:
        row = access.request(
            session,
            account=account,
            release=releases.get(session, body.release),
            purpose=body.purpose,
            affiliation=body.affiliation,
            intended_use=body.intended_use,
            accepts_license=body.accepts_license,
        )
        once.remember(session, row.id)
    else:
        row = queries.request(session, known, viewer=account)
        response.headers[REPLAYED] = "true"
    response.headers["Location"] = f"{router.prefix}/{row.id}"
    return _view(session, row)


@router.get("", summary="List access requests", responses=problems(*SIGN_IN, BadCursor))
def list_access_requests(
    account: Anybody,
    session: Reads,
    place: Paging,
    state: Annotated[RequestState | None, Query()] = None,
) -> PageView[AccessRequestView]:
    """Return one's own requests; reviewers, auditors and administrators see all."""
    page = queries.requests(
        session, viewer=account, state=state, limit=place.limit, cursor=place.cursor
    )
    return PageView(items=[_view(session, row) for row in page.rows], next_cursor=page.next_cursor)


@router.get(
    "/{identifier}",
    summary="One access request with its messages",
    responses=problems(*SIGN_IN, UnknownRequest),
)
def get_access_request(identifier: UUID, account: Anybody, session: Reads) -> AccessRequestDetail:
    """Return a request to its researcher, or to those who decide or audit."""
    row = queries.request(session, identifier, viewer=account)
    messages = [_message(each) for each in queries.messages(session, row)]
    return AccessRequestDetail(**_view(session, row).model_dump(), messages=messages)


@router.post(
    "/{identifier}/messages",
    status_code=status.HTTP_201_CREATED,
    summary="Say something about a request",
    responses=problems(*ROLE, UnknownRequest, body=True),
)
def say(
    identifier: UUID, body: MessageSubmission, account: Participant, session: Writes
) -> MessageView:
    """Add a message, as the researcher or as a reviewer."""
    row = queries.request(session, identifier, viewer=account)
    return _message(access.say(session, row=row, author=account, body=body.body))


@router.post(
    "/{identifier}/approve",
    summary="Approve a request",
    responses=problems(*ROLE, OwnRequest, UnknownRequest, RequestMoved, body=True),
)
def approve(
    identifier: UUID,
    body: ApprovalSubmission,
    account: Reviewer,
    session: Writes,
    parts: AllDoors,
) -> ApprovalView:
    """Say yes, for some scopes and a number of days. Nobody approves their own request."""
    approval = access.approve(
        session,
        row=queries.request(session, identifier, viewer=account),
        reviewer=account,
        days=body.days or parts.settings.approval_days,
        scopes=body.scopes,
        reason=body.reason,
    )
    return approval_view(session, approval)


@router.post(
    "/{identifier}/deny",
    summary="Deny a request",
    responses=problems(*ROLE, OwnRequest, UnknownRequest, RequestMoved, ReasonMissing, body=True),
)
def deny(identifier: UUID, body: Decision, account: Reviewer, session: Writes) -> AccessRequestView:
    """Say no, with a reason that helps the researcher."""
    row = queries.request(session, identifier, viewer=account)
    return _view(session, access.deny(session, row=row, reviewer=account, reason=body.reason))


@router.post(
    "/{identifier}/withdraw",
    summary="Withdraw one's own request",
    responses=problems(*ROLE, UnknownRequest, RequestMoved),
)
def withdraw(identifier: UUID, account: Researcher, session: Writes) -> AccessRequestView:
    """Take one's own open request back."""
    row = queries.request(session, identifier, viewer=account)
    return _view(session, access.withdraw(session, row=row, account=account))


def _view(session: Session, row: AccessRequest) -> AccessRequestView:
    return AccessRequestView(
        id=row.id,
        release=release_name_of(session, row.release_id),
        researcher=handle_of(session, row.account_id),
        state=row.state,
        purpose=row.purpose,
        affiliation=row.affiliation,
        intended_use=row.intended_use,
        created_at=row.created_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        reason=row.reason,
    )


def _message(row: AccessMessage) -> MessageView:
    return MessageView(id=row.id, author=row.author, body=row.body, created_at=row.created_at)
