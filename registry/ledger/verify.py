"""Recompute the whole tree from the entries, trusting nothing that was stored about it.

1. Leaves are numbered 0, 1, 2 ... without a gap.
2. Each leaf's hash is the hash of its entry as it reads today.
3. Each stored head is the root of the leaves up to its size.
4. The newest head covers every leaf.
5. Every entry has a leaf or waits for one.
6. If the auditor brings a checkpoint, it is a prefix of this tree.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.ledger.checkpoint import Checkpoint
from registry.ledger.merkle import Frontier, leaf_hash
from registry.ledger.model import Entry, Head, Leaf, PendingEntry

_CHUNK = 1000
_PROBLEMS_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Report:
    """What the check found.

    Attributes:
        size: Leaves in the tree.
        root: Root recomputed from the entries, 64 hex digits.
        pending: Entries that wait for the sequencer.
        problems: One sentence for each thing that is wrong, at most the first twenty.
    """

    size: int
    root: str
    pending: int
    problems: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(session: Session, *, known: Checkpoint | None = None) -> Report:
    """Check the ledger against itself, and against a checkpoint the auditor kept."""
    heads = {head.size: head.root for head in session.scalars(select(Head))}
    problems: list[str] = []
    frontier, known_root = Frontier(), Frontier().root()
    for leaf, entry in _leaves(session):
        if leaf.index != frontier.size:
            problems.append(f"leaf {frontier.size} is missing: the next one has index {leaf.index}")
            break
        found = leaf_hash(entry.canonical()) if entry else None
        if found is None:
            problems.append(f"entry {leaf.id} at index {leaf.index} is gone")
        elif found.hex() != leaf.leaf_hash:
            problems.append(f"entry {leaf.id} at index {leaf.index} was altered")
        frontier = frontier.append(found or bytes.fromhex(leaf.leaf_hash))
        stored = heads.pop(frontier.size, None)
        if stored is not None and stored != frontier.root().hex():
            problems.append(f"the head at size {frontier.size} has another root than its entries")
        if known is not None and frontier.size == known.size:
            known_root = frontier.root()
    problems += [f"there is a head of size {size}, but fewer leaves" for size in sorted(heads)]
    newest = session.scalar(select(func.max(Head.size))) or 0
    if newest < frontier.size:
        problems.append(f"{frontier.size - newest} leaves are covered by no head")
    problems += _orphans(session)
    if known is not None and known.root != known_root:
        problems.append(f"the checkpoint of size {known.size} is not a prefix of this ledger")
    pending = session.scalar(select(func.count()).select_from(PendingEntry)) or 0
    return Report(frontier.size, frontier.root().hex(), pending, tuple(problems[:_PROBLEMS_LIMIT]))


def _leaves(session: Session) -> Iterator[tuple[Leaf, Entry | None]]:
    """Yield leaves in order, each with its entry, a chunk at a time."""
    after = -1
    while True:
        rows = session.execute(
            select(Leaf, Entry)
            .outerjoin(Entry, Entry.id == Leaf.id)
            .where(Leaf.index > after)
            .order_by(Leaf.index)
            .limit(_CHUNK)
        ).all()
        if not rows:
            return
        yield from ((leaf, entry) for leaf, entry in rows)
        after = rows[-1][0].index
        session.expunge_all()


def _orphans(session: Session) -> list[str]:
    """Return a sentence for each entry that is neither in the tree nor waiting for it."""
    lost = session.scalars(
        select(Entry.id)
        .outerjoin(Leaf, Leaf.id == Entry.id)
        .outerjoin(PendingEntry, PendingEntry.id == Entry.id)
        .where(Leaf.id.is_(None), PendingEntry.id.is_(None))
        .limit(_PROBLEMS_LIMIT)
    )
    return [
        f"entry {identifier} is not in the tree and does not wait for it" for identifier in lost
    ]
