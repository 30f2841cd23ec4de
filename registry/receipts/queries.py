"""Read receipts: for those who may see one, with what the ledger says about its output."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.accounts.model import Account, Role
from registry.errors import NoReceipt, NoReceiptKey, UnknownOutput
from registry.jobs.model import Job, Output
from registry.ledger import queries as ledger
from registry.ledger.model import Entry, Leaf
from registry.receipts.model import Receipt, ReceiptKey
from registry.receipts.verify import OUTCOMES, REVIEWED
from registry.releases import quarantine
from registry.releases.model import Quarantine

_READERS = (Role.REVIEWER, Role.AUDITOR, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the ledger, and the proof that it is there.

    Attributes:
        index: Its leaf.
        entry: The entry.
        proof: Hashes from the leaf up to the root.
    """

    index: int
    entry: Entry
    proof: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the ledger says about an output, in the tree of one size.

    Attributes:
        size: Leaves of the tree.
        root: Its root.
        places: The verdict's entry, then a reviewer's decision; none while the verdict's
            entry waits for its place.
    """

    size: int
    root: bytes
    places: Sequence[Place]


def get(session: Session, identifier: UUID, *, reader: Account) -> Receipt:
    """Return the receipt of an output.

    Raises:
        UnknownOutput: There is none, or it is not the reader's and they are neither reviewer
            nor auditor.
        NoReceipt: It has not been scored.
    """
    output = session.get(Output, identifier)
    job = None if output is None else session.get(Job, output.job_id)
    if output is None or job is None or not (job.account_id == reader.id or is_staff(reader)):
        raise UnknownOutput(f"there is no output {identifier} of yours", output=str(identifier))
    receipt = None if output.receipt_id is None else session.get(Receipt, output.receipt_id)
    if receipt is None:
        raise NoReceipt(identifier, state=output.state)
    return receipt


def is_staff(reader: Account) -> bool:
    """Return whether somebody may see receipts, and reviewers' decisions, of everybody."""
    return any(reader.has(role) for role in _READERS)


def evidence(session: Session, receipt: Receipt, *, with_review: bool) -> Evidence:
    """Return what the ledger says about a receipt's output.

    Args:
        session: An open transaction.
        receipt: The receipt.
        with_review: Whether to show a reviewer's decision, which has their name and reason.
    """
    size, root = ledger.head(session)
    found = session.execute(
        select(Entry, Leaf.index)
        .join(Leaf, Leaf.id == Entry.id)
        .where(
            Entry.subject == str(receipt.output_id),
            Entry.action.in_({*OUTCOMES.values(), *REVIEWED}),
            Leaf.index < size,
        )
        .order_by(Leaf.index)
    ).all()
    ours = [row for row in found if _is_of(row.Entry, receipt)]
    shown = [*ours, *(row for row in found if with_review and row not in ours)] if ours else []
    places = [
        Place(index, entry, ledger.inclusion(session, index=index, size=size)[1])
        for entry, index in shown
    ]
    return Evidence(size, root, places)


def quarantines(session: Session, receipt: Receipt) -> list[Quarantine]:
    """Return the quarantines of the release's bytes since a receipt's output was generated."""
    output = session.get_one(Output, receipt.output_id)
    digest = session.get_one(Job, output.job_id).release_digest
    return quarantine.since(output.generated_at, quarantine.of_digests(session, [digest])[digest])


def key(session: Session, key_id: str | None = None) -> ReceiptKey:
    """Return the key of this name, or the one that was enrolled last.

    Raises:
        NoReceiptKey: There is none.
    """
    query = select(ReceiptKey).order_by(ReceiptKey.id.desc()).limit(1)
    if key_id is not None:
        query = query.where(ReceiptKey.key_id == key_id)
    row = session.scalar(query)
    if row is None:
        raise NoReceiptKey(
            "no key of that name signs receipts here; a scoring worker enrols its key when it "
            "starts, and GET /v1/receipts/keys lists them",
            key_id=key_id,
        )
    return row


def keys(session: Session) -> Sequence[ReceiptKey]:
    """Return every key that ever signed here, newest first."""
    return session.scalars(select(ReceiptKey).order_by(ReceiptKey.id.desc())).all()


def _is_of(entry: Entry, receipt: Receipt) -> bool:
    """Return whether this is the entry of the receipt's verdict."""
    return bool(json.loads(entry.facts).get("receipt") == receipt.payload_sha256)
