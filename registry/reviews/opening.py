"""Put a flagged output before the reviewers: how urgent it is, and how many must agree."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from registry.clock import now
from registry.jobs.model import Output
from registry.policies import service as policies
from registry.reviews.model import Review, ReviewState, Severity

_RANKS = tuple(Severity)
_DRAWN_BYTES = 8
_LOTS = 1 << 8 * _DRAWN_BYTES


def open_review(
    session: Session, output: Output, *, policy_digest: str, flags: Iterable[Mapping[str, Any]]
) -> Review:
    """Open the review of a flagged output, under the policy that flagged it.

    A policy that the records do not know asks for two reviewers.
    """
    policy = policies.with_digest(session, policy_digest)
    share = 1.0 if policy is None else policy.second_reviews
    review = Review(
        output_id=output.id,
        state=ReviewState.OPEN,
        severity=worst(flags),
        reviewers_needed=1 + is_second_drawn(output.id, policy_digest=policy_digest, share=share),
        opened_at=now(),
    )
    session.add(review)
    session.flush()
    return review


def is_second_drawn(output_id: UUID, *, policy_digest: str, share: float) -> bool:
    """Return whether an output needs a second reviewer, by a lot that nobody can choose.

    The lot is the output's identifier hashed under the policy's digest, so it is the same
    whoever asks and whenever, and an auditor can draw it again.
    """
    drawn = hashlib.sha256(f"{policy_digest} {output_id}".encode()).digest()[:_DRAWN_BYTES]
    return int.from_bytes(drawn) < share * _LOTS


def worst(flags: Iterable[Mapping[str, Any]]) -> Severity:
    """Return the highest severity of flags; one that nobody knows is high."""
    return max((_severity(each) for each in flags), key=_RANKS.index, default=Severity.HIGH)


def _severity(flag: Mapping[str, Any]) -> Severity:
    given = flag.get("severity", Severity.MEDIUM)
    return Severity(given) if given in _RANKS else Severity.HIGH
