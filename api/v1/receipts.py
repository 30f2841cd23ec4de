"""Receipts: the signed statement of what scored an output, and the keys that sign.

The keys are public, or nobody outside could check a receipt.
"""

import json
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from api.dependencies import AllDoors, Doors, Reads
from api.identity import Anybody
from api.openapi import SIGN_IN, problems
from api.v1.schemas.receipts import LedgerPart, PlaceView, ReceiptKeyView, ReceiptView
from registry.errors import NoReceipt, NoReceiptKey, UnknownOutput
from registry.ledger import checkpoint as checkpoints
from registry.ledger.checkpoint import Checkpoint
from registry.receipts import queries
from registry.receipts.queries import Evidence, Place

router = APIRouter(prefix="/v1", tags=["receipts"])


@router.get(
    "/outputs/{identifier}/receipt",
    summary="The receipt of an output",
    responses=problems(*SIGN_IN, UnknownOutput, NoReceipt),
)
def get_receipt(identifier: UUID, account: Anybody, session: Reads, parts: AllDoors) -> ReceiptView:
    """Return what scored an output, signed, with its proof from the ledger.

    Researchers get those of their own outputs; reviewers and auditors get all of them, and
    with them the entry of a reviewer's decision. A receipt holds no text.
    """
    receipt = queries.get(session, identifier, reader=account)
    evidence = queries.evidence(session, receipt, with_review=queries.is_staff(account))
    document = {
        **receipt.envelope.to_json(),
        "quarantines": queries.quarantines(session, receipt),
        "ledger": _ledger(parts, evidence),
    }
    return ReceiptView.model_validate(document)


@router.get(
    "/receipts/key",
    summary="A key that verifies receipts",
    response_class=PlainTextResponse,
    responses=problems(NoReceiptKey),
)
def get_receipt_key(
    session: Reads,
    key_id: Annotated[
        str | None, Query(alias="id", max_length=64, description="`keyid` of a receipt.")
    ] = None,
) -> PlainTextResponse:
    """Return a public key in PEM: the one that is asked for, or the newest."""
    return PlainTextResponse(queries.key(session, key_id).pem)


@router.get("/receipts/keys", summary="Every key that signs receipts", responses=problems())
def list_receipt_keys(session: Reads) -> list[ReceiptKeyView]:
    """Return every key that a scoring worker ever signed with, newest first."""
    return [
        ReceiptKeyView(
            key_id=row.key_id,
            pem=row.pem,
            enrolled_at=row.enrolled_at,
            enrolled_by_entry=str(row.entry_id),
        )
        for row in queries.keys(session)
    ]


def _ledger(parts: Doors, evidence: Evidence) -> LedgerPart | None:
    if not evidence.places:
        return None
    checkpoint = Checkpoint(parts.settings.ledger_origin, evidence.size, evidence.root)
    return LedgerPart(
        checkpoint=checkpoints.sign(checkpoint, parts.ledger_key),
        entries=[_place(each) for each in evidence.places],
    )


def _place(place: Place) -> PlaceView:
    return PlaceView(
        index=place.index,
        entry=json.loads(place.entry.canonical()),
        proof=[each.hex() for each in place.proof],
    )
