"""Check a receipt offline: the document, a key, and nothing else.

1. The document is an envelope, with the ledger's proof beside it or ``null``.
2. The key signed the payload.
3. The payload is the canonical statement of a receipt, and names the same key.
4. If the text is there too, it is the text that was scored.
5. The proof, if there is one, is about this receipt: the first entry names the output, the
   decision and the sha256 of the payload, later ones the same output and verdict.
6. Each entry's hash is in the tree whose size and root the checkpoint states.
7. If the ledger's key is given, it signed the checkpoint; a proof must then be there.

Without the ledger's key, steps 5 and 6 show only that the proof fits together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from registry.errors import BadReceipt
from registry.ledger import checkpoint as checkpoints
from registry.ledger.canonical import canonical_json
from registry.ledger.checkpoint import Checkpoint
from registry.ledger.merkle import leaf_hash, verify_inclusion
from registry.receipts import statement as statements
from registry.receipts.envelope import Envelope
from registry.receipts.statement import ALTERED, Statement

LEDGER = "ledger"
UNSIGNED = "quarantines"
"""What the service says of the release since; no part of what is signed."""
OUTCOMES = {"release": "output.released", "flag": "output.flagged"}
REVIEWED = ("output.released", "output.withheld")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Checked:
    """What was shown.

    Attributes:
        statement: What the receipt says.
        sha256: Of the payload; what the ledger calls the receipt by.
        text_matches: Whether the text was compared; it is the same then.
        entries: The ledger's entries about the output, in order.
        checkpoint: Whose tree the entries are in; ``None`` without a proof.
        ledger_signed: Whether the checkpoint's signature was checked.
    """

    statement: Statement
    sha256: str
    text_matches: bool
    entries: tuple[Json, ...]
    checkpoint: Checkpoint | None
    ledger_signed: bool


def verify(
    content: bytes,
    *,
    key: Ed25519PublicKey,
    ledger_vkey: str | None = None,
    text: bytes | None = None,
) -> Checked:
    """Return what a receipt shows.

    Args:
        content: The receipt, a JSON document.
        key: The key that is trusted to sign receipts.
        ledger_vkey: The ledger's verifier key; without it its signature is not checked.
        text: The output's text in UTF-8, if it is to be compared.

    Raises:
        BadReceipt: Something is wrong with it; the message says what, in one sentence.
        BadSignature: Something is wrong with the checkpoint or the ledger's key.
    """
    document = statements.read_object(content)
    has_part, proof = LEDGER in document, document.pop(LEDGER, None)
    document.pop(UNSIGNED, None)
    envelope = Envelope.from_json(document)
    if not has_part:
        raise BadReceipt("the ledger's part is missing; a receipt has it, if only as null")
    envelope.verify(key)
    statement = statements.parse(envelope.payload)
    if statement.predicate.key_id != envelope.key_id:
        raise BadReceipt(f"the payload names another key than its signature: {ALTERED}")
    if text is not None:
        _check_text(text, statement)
    sha256 = statements.sha256_of(envelope.payload)
    if proof is None:
        if ledger_vkey is not None:
            raise BadReceipt(
                "the receipt has no proof from the ledger: fetch it again with corral receipt "
                f"{statement.predicate.output}"
            )
        return Checked(statement, sha256, text is not None, (), None, ledger_signed=False)
    checkpoint, entries = _check_proof(proof, ledger_vkey)
    _check_entries(entries, statement, sha256)
    return Checked(
        statement,
        sha256,
        text_matches=text is not None,
        entries=tuple(entries),
        checkpoint=checkpoint,
        ledger_signed=ledger_vkey is not None,
    )


def _check_text(text: bytes, statement: Statement) -> None:
    if statements.sha256_of(text) == statement.output_sha256:
        return
    if statements.sha256_of(text.removesuffix(b"\n")) == statement.output_sha256:
        raise BadReceipt("the text has a newline at its end that was not scored: remove it")
    raise BadReceipt("this is another text than the one that was scored")


def _check_proof(proof: Any, ledger_vkey: str | None) -> tuple[Checkpoint, list[Json]]:
    """Return the checkpoint and the entries that are in its tree."""
    match proof:
        case {"checkpoint": str(note), "entries": [_, *_] as places, **more} if not more:
            pass
        case _:
            raise BadReceipt(f"the ledger's part is malformed: {ALTERED}")
    if ledger_vkey is None:
        checkpoint = checkpoints.read_unverified(note)
    else:
        checkpoint = checkpoints.verify(note, ledger_vkey)
    return checkpoint, [_included(each, checkpoint) for each in places]


def _included(place: Any, checkpoint: Checkpoint) -> Json:
    match place:
        case {"index": int(index), "entry": dict(entry), "proof": list(path), **more} if (
            not more and not isinstance(index, bool)
        ):
            pass
        case _:
            raise BadReceipt(f"the ledger's part is malformed: {ALTERED}")
    try:
        hashes = [_hash(each) for each in path]
        leaf = leaf_hash(canonical_json(entry))
    except (TypeError, ValueError) as error:
        raise BadReceipt(f"the ledger's proof is no list of hashes: {ALTERED}") from error
    if not verify_inclusion(
        leaf, index=index, size=checkpoint.size, proof=hashes, root=checkpoint.root
    ):
        raise BadReceipt(f"the ledger's entry {index} is not in the checkpoint's tree: {ALTERED}")
    return entry


def _hash(digits: str) -> bytes:
    if digits != digits.lower():
        raise ValueError("hashes are written in lower case")
    return bytes.fromhex(digits)


def _check_entries(entries: list[Json], statement: Statement, sha256: str) -> None:
    said = statement.predicate
    first, *later = entries
    expected = {
        "action": OUTCOMES.get(said.decision),
        "subject": said.output,
        "facts.receipt": sha256,
        "facts.verdict": said.verdict,
        "facts.output_sha256": statement.output_sha256,
    }
    _check_says(first, expected)
    for each in later:
        _check_says(each, {"subject": said.output, "facts.verdict": said.verdict})
        if each.get("action") not in REVIEWED:
            raise BadReceipt("a later entry of the ledger is no decision on the output")


def _check_says(entry: Json, expected: Mapping[str, str | None]) -> None:
    facts = entry.get("facts")
    for name, value in expected.items():
        part, _, fact = name.partition(".")
        found = (facts if isinstance(facts, dict) else {}).get(fact) if fact else entry.get(part)
        if value is None or found != value:
            raise BadReceipt(f"the ledger's entry is not about this receipt: its {name} differs")
