"""Receipts made of nothing but keys: what the tests of the verifier tamper with."""

import base64
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.ledger import checkpoint as checkpoints
from registry.ledger.canonical import canonical_json
from registry.ledger.checkpoint import Checkpoint
from registry.ledger.merkle import inclusion_proof, leaf_hash, root
from registry.receipts import envelope as envelopes
from registry.receipts import statement as statements
from registry.receipts.statement import FilterRun, Flagged, Policy, Release, Scorer, Screening

Json = dict[str, Any]

TEXT = "a text that was scored"
ORIGIN = "example.com/ledger"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LEDGER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
VKEY = checkpoints.vkey(ORIGIN, LEDGER_KEY.public_key())
OUTPUT, JOB, VERDICT = (f"0198c5b2-7c1e-7d30-9a55-{number:012x}" for number in range(3))


def screening(**changes: Any) -> Screening:
    """Return how a flagged output was screened."""
    said: Json = {
        "output": OUTPUT,
        "job": JOB,
        "verdict": VERDICT,
        "release": Release(name="meta/llama-7b", digest="1" * 64),
        "policy": Policy(digest="2" * 64, thresholds={"toxicity.insult": 0.82}),
        "filters": [
            FilterRun(
                name="toxicity", version="1", weights_digest="3" * 64, windows=1, characters=22
            )
        ],
        "scores": {"toxicity.insult": 0.912345, "toxicity.threat": 1e-06},
        "flagged_by": [
            Flagged(
                filter="toxicity",
                label="insult",
                score=0.912345,
                threshold=0.82,
                count=1,
                severity="medium",
            )
        ],
        "noted": [],
        "decision": "flag",
        "characters": 22,
        "scorer": Scorer(name="host:1", canaries_passed_at="2026-01-31T11:55:00.000000+00:00"),
        "submitted_at": "2026-01-31T11:59:00.000000+00:00",
        "given_at": "2026-01-31T12:00:00.000000+00:00",
        "key_id": envelopes.key_id_of(KEY.public_key()),
    }
    return Screening(**{**said, **changes})


def receipt(key: Ed25519PrivateKey = KEY, *, with_proof: bool = True, **changes: Any) -> Json:
    """Return a receipt with its proof and a reviewer's decision after it."""
    payload = statements.make(statements.sha256_of(TEXT.encode()), screening(**changes)).to_bytes()
    return seal(payload, key, with_proof=with_proof)


def seal(payload: bytes, key: Ed25519PrivateKey = KEY, *, with_proof: bool = True) -> Json:
    """Sign a payload, whatever it says, and put the proof beside it."""
    proof = ledger_part(statements.sha256_of(payload)) if with_proof else None
    return {**envelopes.sign(payload, key).to_json(), "ledger": proof}


def ledger_part(receipt_sha256: str, **changes: Any) -> Json:
    """Return the ledger's part: the verdict's entry, and a reviewer's decision."""
    facts = {
        "receipt": receipt_sha256,
        "verdict": VERDICT,
        "output_sha256": statements.sha256_of(TEXT.encode()),
    }
    flagged = {"id": "1", "action": "output.flagged", "subject": OUTPUT, "facts": facts, **changes}
    released = {
        "id": "2",
        "action": "output.released",
        "subject": OUTPUT,
        "facts": {"verdict": VERDICT, "reason": "a quotation"},
    }
    return proof_of([flagged, released])


def proof_of(entries: list[Json]) -> Json:
    """Return the ledger's part for entries that stand among others."""
    others = [leaf_hash(b"%d" % number) for number in range(5)]
    leaves = [*others, *(leaf_hash(canonical_json(each)) for each in entries)]
    size = len(leaves)
    return {
        "checkpoint": checkpoints.sign(Checkpoint(ORIGIN, size, root(leaves)), LEDGER_KEY),
        "entries": [
            {
                "index": index,
                "entry": entry,
                "proof": [each.hex() for each in inclusion_proof(leaves, index, size)],
            }
            for index, entry in enumerate(entries, start=len(others))
        ],
    }


def payload_of(document: Json) -> Json:
    """Return what a receipt says."""
    said: Json = json.loads(base64.b64decode(document["payload"]))
    return said
