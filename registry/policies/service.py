"""Adopt a policy; say which one is in force.

Policies are parsed and judged by ``filters.policy``; the caller has done so.
"""

from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.clock import now
from registry.errors import NoPolicy
from registry.ledger import service as ledger
from registry.policies.model import PolicyRecord

_NEWEST = select(PolicyRecord).order_by(PolicyRecord.id.desc()).limit(1)


class Adoptable(Protocol):
    """What the records keep of a policy; ``filters.policy.Policy`` has it."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def digest(self) -> str:
        """Digest of what it says."""

    @property
    def source(self) -> str:
        """The TOML text."""

    @property
    def second_reviews(self) -> float:
        """Share of reviews in which a release needs two reviewers."""

    @property
    def refuses_prompts(self) -> bool:
        """Whether nothing is generated from a prompt that its rules flag."""


def adopt(session: Session, *, policy: Adoptable, actor: str) -> PolicyRecord:
    """Put a policy in force. Adopting the one that is in force changes nothing."""
    newest = _newest(session)
    if newest is not None and newest.digest == policy.digest:
        return newest
    row = PolicyRecord(
        name=policy.name,
        digest=policy.digest,
        source=policy.source,
        second_reviews=policy.second_reviews,
        refuses_prompts=policy.refuses_prompts,
        adopted_at=now(),
        adopted_by=actor,
    )
    session.add(row)
    session.flush()
    ledger.record(
        session, actor=actor, action="policy.adopted", subject=row.name, digest=row.digest
    )
    return row


def current(session: Session) -> PolicyRecord:
    """Return the policy in force.

    Raises:
        NoPolicy: None was ever adopted.
    """
    newest = _newest(session)
    if newest is None:
        raise NoPolicy("no policy is in force: adopt one with corral policy adopt FILE")
    return newest


def with_digest(session: Session, digest: str) -> PolicyRecord | None:
    """Return a policy that was in force at some time, or ``None``."""
    return session.scalar(
        select(PolicyRecord)
        .where(PolicyRecord.digest == digest)
        .order_by(PolicyRecord.id.desc())
        .limit(1)
    )


def _newest(session: Session) -> PolicyRecord | None:
    return session.scalar(_NEWEST)
