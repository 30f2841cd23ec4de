"""Reviews: people decide on flagged outputs.

Invariant: the text of a flagged output leaves through ``get_review`` alone, which records
who read it.
"""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api.dependencies import Paging, Reads, Writes
from api.identity import Reviewer
from api.openapi import ROLE, problems
from api.v1.names import handle_of
from api.v1.schemas.fields import Decision, PageView
from api.v1.schemas.reviews import ReviewDetail, ReviewView
from registry.accounts.model import Account
from registry.db.session import Session
from registry.errors import (
    ApprovalExpired,
    ApprovalRevoked,
    BadCursor,
    NotApproved,
    OutputMoved,
    OwnRequest,
    ReasonMissing,
    ReleaseNotPublished,
    ReleaseQuarantined,
    ReviewMoved,
    ScopeMissing,
    SecondReviewNeeded,
    UnknownReview,
)
from registry.jobs.states import OutputState
from registry.reviews import service as reviews
from registry.reviews.model import Review, ReviewState
from registry.verdicts.view import views_of

router = APIRouter(prefix="/v1/reviews", tags=["reviews"])

_DECISION = (UnknownReview, ReviewMoved, OutputMoved, ReasonMissing)
_NO_RELEASE = (
    ReleaseNotPublished,
    ReleaseQuarantined,
    NotApproved,
    ApprovalExpired,
    ApprovalRevoked,
    ScopeMissing,
)


@router.get("", summary="List reviews", responses=problems(*ROLE, BadCursor))
def list_reviews(
    _: Reviewer,
    session: Reads,
    place: Paging,
    state: Annotated[ReviewState | None, Query()] = None,
) -> PageView[ReviewView]:
    """Return reviews with scores and flags, the most severe first and of those the newest.

    None of them holds a prompt or a text.
    """
    page = reviews.page(session, state=state, limit=place.limit, cursor=place.cursor)
    return PageView(items=_views(session, page.rows), next_cursor=page.next_cursor)


@router.get(
    "/{identifier}",
    summary="One review, with the text",
    responses=problems(*ROLE, OwnRequest, UnknownReview, ReviewMoved),
)
def get_review(identifier: UUID, account: Reviewer, session: Writes) -> ReviewDetail:
    """Return prompt and flagged text. That you read them is written to the ledger."""
    review = reviews.get(session, identifier)
    text = reviews.read(session, review=review, reader=account)
    _, job = reviews.flagged_jobs(session, [review])[review.id]
    [view] = _views(session, [review])
    return ReviewDetail(**view.model_dump(), prompt=job.prompt, text=text)


@router.post(
    "/{identifier}/claim",
    summary="Claim a review",
    responses=problems(*ROLE, OwnRequest, UnknownReview, ReviewMoved),
)
def claim_review(identifier: UUID, account: Reviewer, session: Writes) -> ReviewView:
    """Take a review for half an hour, so that no two people decide the same output."""
    review = reviews.get(session, identifier)
    reviews.claim(session, review=review, reviewer=account)
    return _views(session, [review])[0]


@router.post(
    "/{identifier}/release",
    summary="Release a flagged output",
    responses=problems(*ROLE, *_NO_RELEASE, *_DECISION, SecondReviewNeeded, body=True),
)
def release_output(
    identifier: UUID, body: Decision, account: Reviewer, session: Writes
) -> ReviewView:
    """Let the researcher read the output, if their approval still holds.

    Where two reviewers are needed, the first one's release leaves the review open for another.
    """
    return _decided(session, identifier, account, to=OutputState.RELEASED, reason=body.reason)


@router.post(
    "/{identifier}/withhold",
    summary="Withhold a flagged output",
    responses=problems(*ROLE, *_DECISION, body=True),
)
def withhold_output(
    identifier: UUID, body: Decision, account: Reviewer, session: Writes
) -> ReviewView:
    """Keep the output from the researcher for good."""
    return _decided(session, identifier, account, to=OutputState.WITHHELD, reason=body.reason)


def _decided(
    session: Session, identifier: UUID, account: Account, *, to: OutputState, reason: str
) -> ReviewView:
    review = reviews.get(session, identifier)
    reviews.decide(session, review=review, reviewer=account, to=to, reason=reason)
    return _views(session, [review])[0]


def _views(session: Session, rows: Sequence[Review]) -> list[ReviewView]:
    """Return what reviewers see of reviews; of the jobs, everything but prompt and text."""
    subjects = reviews.flagged_jobs(session, list(rows))
    owners = {job.id: job.account_id for _, job in subjects.values()}
    jobs = views_of(session, list({job.id: job for _, job in subjects.values()}.values()))
    places = {output.id: (job, output) for job in jobs for output in job.outputs}
    said_release = reviews.released_by(session, rows)
    found = []
    for row in rows:
        job, output = places[row.output_id]
        found.append(
            ReviewView(
                id=row.id,
                state=row.state,
                severity=row.severity,
                reviewers_needed=row.reviewers_needed,
                released_by=said_release[row.id],
                output_id=output.id,
                job_id=job.id,
                release=job.release,
                researcher=handle_of(session, owners[job.id]),
                scores=output.scores,
                flagged_by=output.flagged_by,
                noted=output.noted,
                prompt_flagged_by=job.prompt_flagged_by,
                quarantines=output.quarantines,
                policy_digest=output.verdict.policy_digest if output.verdict else None,
                opened_at=row.opened_at,
                claimed_by=row.claimed_by,
                claimed_at=row.claimed_at,
                decided_by=row.decided_by,
                decided_at=row.decided_at,
                reason=row.reason,
            )
        )
    return found
