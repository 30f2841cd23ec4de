"""Access requests, their messages, and approvals."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field, StrictBool, StrictInt

from api.v1.schemas.fields import Given, Name, Prose, Words
from registry.access.model import RequestState, Scope

LONGEST_APPROVAL_DAYS = 3650


class AccessSubmission(Given):
    """A researcher asks to use a release for a purpose."""

    release: Name = Field(examples=["meta/llama-7b"])
    purpose: Words
    affiliation: Words
    intended_use: Words
    accepts_license: StrictBool


class MessageSubmission(Given):
    """A line in the conversation about an access request."""

    body: Words


class ApprovalSubmission(Given):
    """A reviewer says yes."""

    days: StrictInt | None = Field(
        default=None,
        ge=1,
        le=LONGEST_APPROVAL_DAYS,
        description="How long; the service's default when it is left out.",
    )
    scopes: list[Scope] = Field(default=[Scope.GENERATE], min_length=1)
    reason: Prose = ""


class AccessRequestView(BaseModel):
    """An access request."""

    id: UUID
    release: str
    researcher: str
    state: RequestState
    purpose: str
    affiliation: str
    intended_use: str
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    reason: str


class MessageView(BaseModel):
    """A message on an access request."""

    id: UUID
    author: str
    body: str
    created_at: datetime


class AccessRequestDetail(AccessRequestView):
    """An access request with its conversation, oldest message first."""

    messages: list[MessageView]


class ApprovalView(BaseModel):
    """An approval: who may use which release, for what, until when."""

    id: UUID
    request_id: UUID
    release: str
    researcher: str
    scopes: list[Scope]
    approved_by: str
    approved_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None
    revoke_reason: str
