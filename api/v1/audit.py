"""The ledger: entries for auditors, and what anybody needs to check that it only grows.

Checkpoints and the key are public, or nobody outside could hold us to them. Proofs hold
hashes alone but take work to make, so they need a token, of any role.
"""

import json
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from api.dependencies import AllDoors, Paging, Reads
from api.identity import Anybody, Auditor
from api.openapi import ROLE, SIGN_IN, problems
from api.v1.schemas.audit import ConsistencyView, EntryView, InclusionView, LedgerKeyView
from api.v1.schemas.fields import Name, PageView
from registry.errors import BadCursor, BadRange
from registry.ledger import checkpoint, queries
from registry.ledger.model import Entry

router = APIRouter(prefix="/v1/audit", tags=["audit"])


@router.get("/entries", summary="List ledger entries", responses=problems(*ROLE, BadCursor))
def list_entries(
    _: Auditor,
    session: Reads,
    place: Paging,
    subject: Annotated[Name | None, Query(description="Entries about this alone.")] = None,
) -> PageView[EntryView]:
    """Return entries, newest first. They hold digests and identifiers, never texts."""
    page = queries.entries(session, subject=subject, limit=place.limit, cursor=place.cursor)
    places = queries.places_of(session, page.rows)
    items = [_entry(row, places.get(str(row.id))) for row in page.rows]
    return PageView(items=items, next_cursor=page.next_cursor)


@router.get(
    "/checkpoint",
    summary="The signed checkpoint",
    response_class=PlainTextResponse,
    responses=problems(),
)
def get_checkpoint(session: Reads, parts: AllDoors) -> PlainTextResponse:
    """Return size and root of the ledger's tree, signed (c2sp.org/tlog-checkpoint)."""
    size, root = queries.head(session)
    found = checkpoint.Checkpoint(parts.settings.ledger_origin, size, root)
    return PlainTextResponse(checkpoint.sign(found, parts.ledger_key))


@router.get("/key", summary="The key that verifies checkpoints", responses=problems())
def get_ledger_key(parts: AllDoors) -> LedgerKeyView:
    """Return the verifier key. Keep it: a key that changes is worth a question."""
    origin = parts.settings.ledger_origin
    return LedgerKeyView(origin=origin, vkey=checkpoint.vkey(origin, parts.ledger_key.public_key()))


@router.get(
    "/inclusion", summary="Prove that an entry is there", responses=problems(*SIGN_IN, BadRange)
)
def prove_inclusion(
    _: Anybody,
    session: Reads,
    index: Annotated[int, Query(ge=0, description="Place of the leaf.")],
    size: Annotated[int, Query(ge=1, description="Leaves in the tree.")],
) -> InclusionView:
    """Return the audit path of one leaf in the tree of the first `size` leaves."""
    leaf, proof = queries.inclusion(session, index=index, size=size)
    return InclusionView(
        index=index, size=size, leaf_hash=leaf.hex(), proof=[each.hex() for each in proof]
    )


@router.get(
    "/consistency",
    summary="Prove that the ledger only grew",
    responses=problems(*SIGN_IN, BadRange),
)
def prove_consistency(
    _: Anybody,
    session: Reads,
    first: Annotated[int, Query(alias="from", ge=1, description="The smaller size.")],
    second: Annotated[int, Query(alias="to", ge=1, description="The larger size.")],
) -> ConsistencyView:
    """Return the proof that the smaller tree is the beginning of the larger one."""
    proof = queries.consistency(session, first=first, second=second)
    return ConsistencyView(first=first, second=second, proof=[each.hex() for each in proof])


def _entry(row: Entry, index: int | None) -> EntryView:
    return EntryView(
        id=row.id,
        recorded_at=row.recorded_at.isoformat(timespec="microseconds"),
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        facts=json.loads(row.facts),
        index=index,
    )
