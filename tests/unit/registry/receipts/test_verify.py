"""Whatever is changed in a receipt, whoever checks it is told."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import BadReceipt, BadSignature, CorralError
from registry.receipts.verify import Checked, verify
from tests.support import receipts
from tests.support.receipts import Json

Path = tuple[str | int, ...]

WHOLE = receipts.receipt()
LATER: Path = ("ledger", "entries", 1)  # a researcher's receipt has no reviewer's decision
SAID = receipts.payload_of(WHOLE)


def check(document: Any, *, text: str | None = receipts.TEXT, vkey: str | None = None) -> Checked:
    """Verify a receipt with the right keys."""
    return verify(
        json.dumps(document).encode(),
        key=receipts.KEY.public_key(),
        ledger_vkey=receipts.VKEY if vkey is None else vkey,
        text=None if text is None else text.encode(),
    )


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every value in a document."""
    members = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else members
    for name, each in items:
        yield (*path, name)
        yield from places(each, (*path, name))


def at(document: Any, path: Path) -> Any:
    """Return the value at a path."""
    for name in path:
        document = document[name]
    return document


def changed(document: Json, path: Path, value: Any) -> Json:
    """Return a copy with another value at a path."""
    altered = copy.deepcopy(document)
    at(altered, path[:-1])[path[-1]] = value
    return altered


def without(document: Json, path: Path) -> Json:
    """Return a copy that lacks the value at a path."""
    altered = copy.deepcopy(document)
    del at(altered, path[:-1])[path[-1]]
    return altered


def flipped(value: Any, position: int) -> Any:
    """Return a value of the same kind that differs a little."""
    match value:
        case bool():
            return not value
        case int():
            return value ^ (1 << position % 8)
        case float():
            return value + 0.01
        case str() if value:
            place = position % len(value)
            return value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :]
        case None:
            return "something"
        case _:
            return None


def test_a_whole_receipt_holds() -> None:
    checked = check(WHOLE)

    assert checked.statement.predicate == receipts.screening()
    assert checked.text_matches
    assert checked.ledger_signed
    assert [entry["action"] for entry in checked.entries] == ["output.flagged", "output.released"]
    assert checked.checkpoint is not None
    assert checked.checkpoint.size == 7


def test_without_the_ledgers_key_the_signature_of_the_checkpoint_is_not_vouched_for() -> None:
    checked = verify(json.dumps(WHOLE).encode(), key=receipts.KEY.public_key())

    assert not checked.ledger_signed
    assert not checked.text_matches
    assert len(checked.entries) == 2


@given(path=st.sampled_from(list(places(WHOLE))), position=st.integers(0, 10_000))
def test_every_flipped_field_of_the_document_is_noticed(path: Path, position: int) -> None:
    altered = changed(WHOLE, path, flipped(at(WHOLE, path), position))

    with pytest.raises((BadReceipt, BadSignature)) as refusal:
        check(altered)

    assert "\n" not in str(refusal.value)


@given(path=st.sampled_from(list(places(SAID))), position=st.integers(0, 10_000))
def test_every_flipped_field_of_the_statement_is_noticed(path: Path, position: int) -> None:
    said = changed(SAID, path, flipped(at(SAID, path), position))
    forged = receipts.seal(rfc8785.dumps(said), Ed25519PrivateKey.generate())
    signature = {**forged, "signatures": WHOLE["signatures"]}

    with pytest.raises(BadReceipt, match="signature is wrong"):
        check(signature)


@pytest.mark.parametrize("path", [path for path in places(WHOLE) if path != LATER], ids=str)
def test_every_missing_field_is_noticed(path: Path) -> None:
    with pytest.raises(CorralError):
        check(without(WHOLE, path))


def test_a_receipt_without_the_decision_that_followed_holds() -> None:
    checked = check(without(WHOLE, LATER))

    assert [entry["action"] for entry in checked.entries] == ["output.flagged"]


@pytest.mark.parametrize(
    "path", [(), ("signatures", 0), ("ledger",), ("ledger", "entries", 0)], ids=str
)
def test_a_member_that_nobody_signed_is_noticed(path: Path) -> None:
    altered = copy.deepcopy(WHOLE)
    at(altered, path)["decision"] = "release"

    with pytest.raises(BadReceipt):
        check(altered)


@given(length=st.integers(0, len(json.dumps(WHOLE)) - 1))
def test_a_truncated_receipt_is_noticed(length: int) -> None:
    with pytest.raises(BadReceipt, match="not JSON, or not all"):
        verify(json.dumps(WHOLE)[:length].encode(), key=receipts.KEY.public_key())


@pytest.mark.parametrize(
    "document", [b"[]", b"null", b'"text"', b'{"a": 1, "a": 2}', b'{"a": NaN}', b"[" * 100_000]
)
def test_what_is_no_receipt_is_refused(document: bytes) -> None:
    with pytest.raises(BadReceipt, match="no receipt"):
        verify(document, key=receipts.KEY.public_key())


def test_the_wrong_key_is_told_from_the_right_one() -> None:
    other = Ed25519PrivateKey.generate().public_key()

    with pytest.raises(BadReceipt, match="and this is key"):
        verify(json.dumps(WHOLE).encode(), key=other)


def test_a_receipt_that_another_key_signed_in_our_name_is_refused() -> None:
    forged = receipts.receipt(Ed25519PrivateKey.generate())
    forged["signatures"][0]["keyid"] = WHOLE["signatures"][0]["keyid"]

    with pytest.raises(BadReceipt, match="signature is wrong"):
        check(forged)


def test_another_text_is_told_from_the_one_that_was_scored() -> None:
    with pytest.raises(BadReceipt, match="another text"):
        check(WHOLE, text="another")


def test_a_newline_that_an_editor_added_is_named() -> None:
    with pytest.raises(BadReceipt, match="newline"):
        check(WHOLE, text=f"{receipts.TEXT}\n")


def test_a_statement_in_another_order_is_not_canonical() -> None:
    backwards = json.dumps(dict(reversed(SAID.items()))).encode()

    with pytest.raises(BadReceipt, match="canonical"):
        check(receipts.seal(backwards))


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("_type",), "https://example.com/other", "urn:corral:receipt"),
        (("predicateType",), "urn:other", "urn:corral:receipt"),
        (("subject", 0, "name"), receipts.JOB, "different outputs"),
        (("predicate", "key_id"), "0" * 64, "another key"),
        (("predicate", "windows"), 1, "no receipt's statement"),
        (("predicate", "characters"), 2**60, "no receipt's statement"),
        (("predicate", "characters"), "22", "no receipt's statement"),
        (("subject",), [], "different outputs"),
        (("predicate", "verdict"), receipts.JOB, "facts.verdict"),
        (("predicate", "decision"), "release", "action"),
        (("predicate", "decision"), "other", "action"),
    ],
)
def test_a_signed_statement_that_is_no_receipt_is_refused(path: Path, value: Any, why: str) -> None:
    said = changed(SAID, path, value)
    payload = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    payload = rfc8785.dumps(said) if value != 2**60 else payload

    with pytest.raises(BadReceipt, match=why):
        check(receipts.seal(payload))


def test_a_receipt_outside_the_ledger_holds_until_the_ledger_is_asked_for() -> None:
    alone = receipts.receipt(with_proof=False)

    checked = verify(json.dumps(alone).encode(), key=receipts.KEY.public_key())

    assert checked.checkpoint is None
    with pytest.raises(BadReceipt, match="no proof"):
        check(alone)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("action", "output.released"),
        ("subject", receipts.JOB),
        ("facts", {"receipt": "0" * 64}),
        ("facts", None),
    ],
)
def test_the_proof_of_another_entry_is_refused(name: str, value: Any) -> None:
    payload_sha256 = check(WHOLE).sha256
    borrowed = {**WHOLE, "ledger": receipts.ledger_part(payload_sha256, **{name: value})}

    with pytest.raises(BadReceipt, match="not about this receipt"):
        check(borrowed)


@pytest.mark.parametrize("action", ["output.read", "job.done"])
def test_a_later_entry_must_be_a_decision(action: str) -> None:
    first, later = (place["entry"] for place in WHOLE["ledger"]["entries"])
    ledger = receipts.proof_of([first, {**later, "action": action}])

    with pytest.raises(BadReceipt, match="no decision"):
        check({**WHOLE, "ledger": ledger})


def test_another_ledger_is_told_from_ours() -> None:
    vkey = receipts.VKEY.replace("example", "elsewhere")

    with pytest.raises(BadSignature):
        check(WHOLE, vkey=vkey)
