"""What auditors read: entries, the signed checkpoint, proofs."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.db.paging import Page, paged
from registry.errors import BadRange
from registry.ledger import merkle
from registry.ledger.model import TALLIES, Entry, Head, Leaf
from registry.ledger.service import last_head


def entries(
    session: Session, *, subject: str | None, limit: int, cursor: str | None
) -> Page[Entry]:
    """Return entries, newest first, of one subject or of all."""
    query = select(Entry)
    if subject is not None:
        query = query.where(Entry.subject == subject)
    return paged(session, query, Entry, limit=limit, cursor=cursor)


def head(session: Session) -> tuple[int, bytes]:
    """Return size and root of the tree."""
    newest = last_head(session)
    if newest is None:
        return 0, merkle.Frontier().root()
    return newest.size, bytes.fromhex(newest.root)


def tallies(session: Session) -> dict[str, int]:
    """Return how many entries of each action have a place in the tree."""
    return {row.action: row.entries for row in session.execute(select(TALLIES))}


def inclusion(session: Session, *, index: int, size: int) -> tuple[bytes, list[bytes]]:
    """Return the leaf hash at ``index`` and its audit path in the tree of ``size`` leaves.

    Raises:
        BadRange: The ledger has no such leaf or size.
    """
    _within(session, size)
    if not 0 <= index < size:
        raise BadRange(f"index {index} is outside a tree of {size} leaves", index=index, size=size)
    leaves = _hashes(session, size)
    return leaves[index], merkle.inclusion_proof(leaves, index, size)


def consistency(session: Session, *, first: int, second: int) -> list[bytes]:
    """Return the proof that the tree of ``first`` leaves is a prefix of that of ``second``.

    Raises:
        BadRange: The ledger has no such sizes, or they are the wrong way round.
    """
    _within(session, second)
    if not 0 < first <= second:
        raise BadRange(f"from must be between 1 and {second}", first=first, second=second)
    return merkle.consistency_proof(_hashes(session, second), first, second)


def places_of(session: Session, rows: Sequence[Entry]) -> dict[str, int]:
    """Return the places of many entries, by identifier."""
    found = session.execute(
        select(Leaf.id, Leaf.index).where(Leaf.id.in_([each.id for each in rows]))
    )
    return {str(identifier): index for identifier, index in found}


def _within(session: Session, size: int) -> None:
    newest = session.scalar(select(Head.size).order_by(Head.size.desc()).limit(1)) or 0
    if not 0 < size <= newest:
        raise BadRange(f"the ledger has {newest} leaves, not {size}", size=size, newest=newest)


def _hashes(session: Session, size: int) -> list[bytes]:
    found = session.scalars(select(Leaf.leaf_hash).where(Leaf.index < size).order_by(Leaf.index))
    return [bytes.fromhex(each) for each in found]
