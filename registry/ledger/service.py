"""Write entries, and give them their order.

``record`` runs inside the transaction of the change it records: both or neither. The order
in which transactions commit is not the order of their identifiers, so one sequencer at a
time gives the leaves their indexes, afterwards.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, Table, delete, insert, select, update
from sqlalchemy.orm import Session

from registry.clock import now
from registry.db.session import lock
from registry.db.tables import new_id
from registry.ledger.canonical import canonical_json
from registry.ledger.merkle import Frontier, leaf_hash
from registry.ledger.model import TALLIES, Entry, Head, Leaf, PendingEntry

SEQUENCE_LIMIT = 1000

# As tables, not as objects: several entries are written for each job.
_ENTER = insert(cast("Table", Entry.__table__))
_AWAIT = insert(cast("Table", PendingEntry.__table__))


@dataclass(frozen=True, slots=True)
class Decision:
    """What an entry says.

    Attributes:
        actor: Who.
        action: Did what.
        subject: To which thing.
        facts: What else is to be known. Never a prompt or an output: the ledger is read by more
            people than they are. Facts that are ``None`` or empty are left out.
    """

    actor: str
    action: str
    subject: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def record(session: Session, *, actor: str, action: str, subject: str, **facts: Any) -> UUID:
    """Write one entry in the transaction of the change that it records; return its identifier."""
    [identifier] = record_all(session, [Decision(actor, action, subject, facts)])
    return identifier


def record_all(session: Session, decisions: Sequence[Decision]) -> list[UUID]:
    """Write entries, likewise, in this order; return their identifiers."""
    at, identifiers = now(), [new_id() for _ in decisions]
    if not identifiers:
        return []
    session.execute(
        _ENTER,
        [
            {
                "id": identifier,
                "recorded_at": at,
                "actor": each.actor,
                "action": each.action,
                "subject": each.subject,
                "facts": canonical_json(_said(each.facts)).decode(),
            }
            for identifier, each in zip(identifiers, decisions, strict=True)
        ],
    )
    session.execute(_AWAIT, [{"id": identifier} for identifier in identifiers])
    return identifiers


def sequence(session: Session, *, limit: int = SEQUENCE_LIMIT) -> int:
    """Append pending entries to the tree; return how many.

    Only one sequencer runs at a time, whoever calls it.
    """
    lock(session, "corral.ledger.sequencer")
    entries = session.scalars(
        select(Entry)
        .join(PendingEntry, PendingEntry.id == Entry.id)
        .order_by(PendingEntry.id)
        .limit(limit)
    ).all()
    if not entries:
        return 0
    head = last_head(session)
    frontier = Frontier.from_hex(head.frontier) if head else Frontier()
    for entry in entries:
        leaf = leaf_hash(entry.canonical())
        session.add(Leaf(id=entry.id, index=frontier.size, leaf_hash=leaf.hex()))
        frontier = frontier.append(leaf)
    session.execute(delete(PendingEntry).where(PendingEntry.id.in_([each.id for each in entries])))
    _tally(session, [each.action for each in entries])
    session.add(
        Head(
            size=frontier.size,
            root=frontier.root().hex(),
            frontier=frontier.to_hex(),
            made_at=now(),
        )
    )
    session.flush()
    return len(entries)


def last_head(session: Session) -> Head | None:
    """Return the newest head, or ``None`` while the tree is empty."""
    return session.scalar(select(Head).order_by(Head.size.desc()).limit(1))


def _tally(session: Session, actions: Iterable[str]) -> None:
    """Count entries by action. There is one sequencer at a time, so no two counts meet."""
    for action, count in Counter(actions).items():
        known = session.execute(
            update(TALLIES)
            .where(TALLIES.c.action == action)
            .values(entries=TALLIES.c.entries + count)
        )
        if not cast("CursorResult[Any]", known).rowcount:
            session.execute(insert(TALLIES).values(action=action, entries=count))


def _said(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value not in (None, "", [], {})}
