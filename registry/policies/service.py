"""Adopt a policy; say which one is in force.

Policies are parsed and judged by ``filters.policy``; the caller has done so.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.clock import now
from registry.errors import NoPolicy
from registry.ledger import service as ledger
from registry.policies.model import PolicyRecord


def adopt(session: Session, *, name: str, digest: str, source: str, actor: str) -> PolicyRecord:
    """Put a policy in force. Adopting the one that is in force changes nothing."""
    newest = _newest(session)
    if newest is not None and newest.digest == digest:
        return newest
    row = PolicyRecord(name=name, digest=digest, source=source, adopted_at=now(), adopted_by=actor)
    session.add(row)
    session.flush()
    ledger.record(session, actor=actor, action="policy.adopted", subject=name, digest=digest)
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


def _newest(session: Session) -> PolicyRecord | None:
    return session.scalar(select(PolicyRecord).order_by(PolicyRecord.id.desc()).limit(1))
