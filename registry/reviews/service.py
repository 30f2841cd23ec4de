"""Claim, read, release, withhold.

A claim lasts ``CLAIM_MINUTES``; after that another reviewer may take the review over.
Where a release needs two reviewers, the first one opens the review again for a second, and
one who withholds is enough at any time; a claim of who has said release holds nobody up.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from registry.access.gate import admit
from registry.access.model import Scope
from registry.accounts.model import Account
from registry.clock import now
from registry.db.paging import Page, Rank, paged
from registry.errors import (
    OwnRequest,
    ReasonMissing,
    ReceiptMissing,
    ReviewMoved,
    SecondReviewNeeded,
    UnknownReview,
)
from registry.jobs import queries as jobs_queries
from registry.jobs import service as jobs
from registry.jobs.model import Job, Output
from registry.jobs.states import OutputState
from registry.ledger import service as ledger
from registry.reviews.model import Review, ReviewDecision, ReviewState, Severity

CLAIM_MINUTES = 30

_WORST_FIRST = tuple(reversed(Severity))
_SEVEREST: Rank[Review] = Rank(
    [Review.severity == each for each in _WORST_FIRST],
    lambda review: _WORST_FIRST.index(review.severity),
)


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
    """Return reviews, the most severe first, and of those the newest."""
    query = select(Review)
    if state is not None:
        query = query.where(Review.state == state)
    return paged(session, query, Review, limit=limit, cursor=cursor, rank=_SEVEREST)


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
            or_(
                Review.claimed_by == reviewer.handle,
                Review.claimed_at < stale,
                Review.claimed_by.in_(released_by(session, [review])[review.id]),
            ),
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

    The first of two reviewers who releases leaves the output flagged and the review open.

    Raises:
        ReasonMissing: Every decision needs a reason.
        ReviewMoved: The reviewer does not hold the claim.
        ReceiptMissing: Nothing was signed when it was scored: withhold instead.
        SecondReviewNeeded: The reviewer has said release already; another person must too.
        Refused: The researcher may no longer use the release: withhold instead.
    """
    if not reason.strip():
        raise ReasonMissing("a decision on an output needs a reason")
    output, job = _subject(session, review)
    decision, is_last = ReviewState(to.value), True
    if to is OutputState.RELEASED:
        if output.receipt_id is None:
            raise ReceiptMissing(output.id)
        admit(
            session,
            account_id=job.account_id,
            release_id=job.release_id,
            scope=Scope.GENERATE,
            until_commit=True,
        )
        earlier = released_by(session, [review])[review.id]
        if reviewer.handle in earlier:
            raise SecondReviewNeeded(review.id)
        is_last = len(earlier) + 1 >= review.reviewers_needed
    swap = (
        update(Review)
        .where(
            Review.id == review.id,
            Review.state == ReviewState.CLAIMED,
            Review.claimed_by == reviewer.handle,
        )
        .values(
            {
                "state": decision,
                "decided_by": reviewer.handle,
                "decided_at": now(),
                "reason": reason,
            }
            if is_last
            else {"state": ReviewState.OPEN, "claimed_by": None, "claimed_at": None}
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
    session.add(
        ReviewDecision(
            review_id=review.id,
            decision=decision,
            decided_by=reviewer.handle,
            decided_at=now(),
            reason=reason,
        )
    )
    session.flush()
    if is_last:
        jobs.advance_outputs(session, [(output, to)])
    ledger.record(
        session,
        actor=reviewer.handle,
        action=f"output.{to}" if is_last else "review.awaits_second",
        subject=str(output.id),
        verdict=str(output.verdict_id),
        reason=reason,
    )


def released_by(session: Session, reviews: Sequence[Review]) -> dict[UUID, list[str]]:
    """Return who said release of each review, in the order in which they did."""
    found: dict[UUID, list[str]] = {each.id: [] for each in reviews}
    said = session.execute(
        select(ReviewDecision.review_id, ReviewDecision.decided_by)
        .where(ReviewDecision.review_id.in_(found), ReviewDecision.decision == ReviewState.RELEASED)
        .order_by(ReviewDecision.id)
    )
    for identifier, handle in said:
        found[identifier].append(handle)
    return found


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
