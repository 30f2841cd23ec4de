"""Open, claim, read, release, withhold.

A claim lasts ``CLAIM_MINUTES``; after that another reviewer may take the review over.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from registry.access.gate import admit
from registry.access.model import Scope
from registry.accounts.model import Account
from registry.clock import now
from registry.db.paging import Page, paged
from registry.errors import (
    OwnRequest,
    ReasonMissing,
    ReceiptMissing,
    ReviewMoved,
    UnknownReview,
)
from registry.jobs import queries as jobs_queries
from registry.jobs import service as jobs
from registry.jobs.model import Job, Output
from registry.jobs.states import OutputState
from registry.ledger import service as ledger
from registry.reviews.model import Review, ReviewState

CLAIM_MINUTES = 30


def open_review(session: Session, output: Output) -> Review:
    """Put a flagged output before the reviewers."""
    review = Review(output_id=output.id, state=ReviewState.OPEN, opened_at=now())
    session.add(review)
    session.flush()
    return review


def get(session: Session, identifier: UUID) -> Review:
    """Return one review.

    Raises:
        UnknownReview: There is none with this identifier.
    """
    review = session.get(Review, identifier, populate_existing=True)
    if review is None:
        raise UnknownReview(f"there is no review {identifier}", review=str(identifier))
    return review


def page(
    session: Session, *, state: ReviewState | None, limit: int, cursor: str | None
) -> Page[Review]:
    """Return reviews, newest first."""
    query = select(Review)
    if state is not None:
        query = query.where(Review.state == state)
    return paged(session, query, Review, limit=limit, cursor=cursor)


def claim(session: Session, *, review: Review, reviewer: Account) -> None:
    """Take a review, so that no two people decide the same output.

    Raises:
        OwnRequest: Nobody reviews their own output.
        ReviewMoved: Somebody else has it, or it is decided.
    """
    output, job = _subject(session, review)
    _not_by_researcher(job, reviewer)
    stale = now() - timedelta(minutes=CLAIM_MINUTES)
    free = or_(
        Review.state == ReviewState.OPEN,
        and_(
            Review.state == ReviewState.CLAIMED,
            or_(Review.claimed_by == reviewer.handle, Review.claimed_at < stale),
        ),
    )
    swap = (
        update(Review)
        .where(Review.id == review.id, free)
        .values(state=ReviewState.CLAIMED, claimed_by=reviewer.handle, claimed_at=now())
        .returning(Review.id)
        .execution_options(synchronize_session=False)
    )
    if session.scalar(swap) is None:
        session.refresh(review)
        raise ReviewMoved(
            f"the review is {review.state} by {review.decided_by or review.claimed_by}",
            review=str(review.id),
        )
    session.refresh(review)
    ledger.record(session, actor=reviewer.handle, action="review.claimed", subject=str(output.id))


def read(session: Session, *, review: Review, reader: Account) -> str:
    """Return the text of a flagged output, and write down who read it.

    Raises:
        OwnRequest: Nobody reads their own output before it is released.
    """
    output, job = _subject(session, review)
    _not_by_researcher(job, reader)
    ledger.record(session, actor=reader.handle, action="output.read", subject=str(output.id))
    return output.text or ""


def decide(
    session: Session, *, review: Review, reviewer: Account, to: OutputState, reason: str
) -> None:
    """Release or withhold a claimed output; a release asks ``admit`` once more.

    Raises:
        ReasonMissing: Every decision needs a reason.
        ReviewMoved: The reviewer does not hold the claim.
        ReceiptMissing: Nothing was signed when it was scored: withhold instead.
        Refused: The researcher may no longer use the release: withhold instead.
    """
    if not reason.strip():
        raise ReasonMissing("a decision on an output needs a reason")
    output, job = _subject(session, review)
    if to is OutputState.RELEASED:
        if output.receipt_id is None:
            raise ReceiptMissing(output.id)
        admit(session, account_id=job.account_id, release_id=job.release_id, scope=Scope.GENERATE)
    swap = (
        update(Review)
        .where(
            Review.id == review.id,
            Review.state == ReviewState.CLAIMED,
            Review.claimed_by == reviewer.handle,
        )
        .values(
            state=ReviewState(to.value),
            decided_by=reviewer.handle,
            decided_at=now(),
            reason=reason,
        )
        .returning(Review.id)
        .execution_options(synchronize_session=False)
    )
    if session.scalar(swap) is None:
        session.refresh(review)
        raise ReviewMoved(
            f"the review is {review.state}: claim it before you decide it", review=str(review.id)
        )
    session.refresh(review)
    jobs.advance_output(session, output, to=to)
    ledger.record(
        session,
        actor=reviewer.handle,
        action=f"output.{to}",
        subject=str(output.id),
        verdict=str(output.verdict_id),
        reason=reason,
    )


def flagged_jobs(session: Session, reviews: list[Review]) -> dict[UUID, tuple[Output, Job]]:
    """Return output and job of each review, by the review's identifier."""
    found = session.execute(
        select(Review.id, Output, Job)
        .join(Output, Output.id == Review.output_id)
        .join(Job, Job.id == Output.job_id)
        .where(Review.id.in_([each.id for each in reviews]))
    )
    return {identifier: (output, job) for identifier, output, job in found}


def _subject(session: Session, review: Review) -> tuple[Output, Job]:
    output = jobs.output(session, review.output_id)
    return output, jobs_queries.get(session, output.job_id)


def _not_by_researcher(job: Job, reviewer: Account) -> None:
    if job.account_id == reviewer.id:
        raise OwnRequest("nobody reviews their own output: leave it to another reviewer")
