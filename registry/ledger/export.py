"""The whole ledger as lines that an outsider can check without us.

Each line is the JSON of ``{"index", "leaf_hash", "entry"}``. The leaf hash is
``SHA256(0x00 || bytes)`` over the entry as canonical JSON (sorted keys, no spaces, UTF-8),
and the tree over all leaf hashes is that of RFC 6962.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.errors import Conflict
from registry.ledger.merkle import Frontier, leaf_hash
from registry.ledger.model import Entry, Leaf

_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """One leaf with its entry.

    Attributes:
        index: Its place in the tree, from 0.
        leaf_hash: Hashed from the entry as it reads today; 32 bytes.
        entry: Canonical JSON.
    """

    index: int
    leaf_hash: bytes
    entry: bytes

    def to_json(self) -> bytes:
        """Return the line, with its newline."""
        start = f'{{"index":{self.index},"leaf_hash":"{self.leaf_hash.hex()}","entry":'
        return start.encode() + self.entry + b"}\n"


def lines(session: Session, *, size: int, root: bytes) -> Iterator[Line]:
    """Yield the first ``size`` leaves in order, and check at the end that they give ``root``.

    Raises:
        Conflict: An entry was altered or removed.
    """
    frontier = Frontier()
    while frontier.size < size:
        rows = session.execute(
            select(Leaf.index, Entry)
            .join(Entry, Entry.id == Leaf.id)
            .where(Leaf.index >= frontier.size, Leaf.index < size)
            .order_by(Leaf.index)
            .limit(_CHUNK)
        ).all()
        if not rows:
            break
        for index, entry in rows:
            line = Line(index, leaf_hash(entry.canonical()), entry.canonical())
            frontier = frontier.append(line.leaf_hash)
            yield line
        session.expunge_all()
    if frontier.size != size or frontier.root() != root:
        raise Conflict("the ledger does not hold: corral audit verify says where")
