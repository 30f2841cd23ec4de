import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import BadSignature
from registry.ledger.checkpoint import Checkpoint, sign, verify, vkey

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "example.com/ledger"
VKEY = vkey(ORIGIN, KEY.public_key())
CHECKPOINT = Checkpoint(ORIGIN, 7, bytes(32))
NOTE = sign(CHECKPOINT, KEY)

# Signed by the public Rekor log of the Sigstore project, and cosigned by a witness.
PUBLIC_VKEY = "log2025-1.rekor.sigstore.dev+cf119915+AbfK5adZJxsI323FwGD2AJJ9F4i89cfDuLdGJBIYntuO"
PUBLIC_NOTE = (
    "log2025-1.rekor.sigstore.dev\n"
    "139911860\n"
    "EliTHtnx44DhEBH+5qIXBtQsSpc54Avam7mIYEvxnTA=\n"
    "\n"
    "— log2025-1.rekor.sigstore.dev zxGZFcOra4Y7QpuiQen+CmnUvDZbxSXfBOXJzL+HKIeR9aC58QTfao58ABqkhV"
    "yBhQDseS+TZdDNpcnZhoRxkh7IbQ0=\n"
    "— witness.stagemole.eu Z/euoAAAAABqxF18wrJCADsJ1G5Lc2JaRjZqqBwjpNqH24yQse4iJ4rKS6b5MtvHP+IbKY"
    "XwaWuWokdGA+BubLFi+TrwK7xpKr6XBw==\n"
)

origins = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="+"), min_size=1, max_size=30
)


def test_a_checkpoint_of_a_public_log_verifies() -> None:
    checkpoint = verify(PUBLIC_NOTE, PUBLIC_VKEY)

    assert checkpoint.origin == "log2025-1.rekor.sigstore.dev"
    assert checkpoint.size == 139_911_860
    assert checkpoint.root.hex().startswith("1258931ed9f1e380")


@given(origins, st.integers(0, 2**60), st.binary(min_size=32, max_size=32))
def test_what_was_signed_verifies(origin: str, size: int, root: bytes) -> None:
    checkpoint = Checkpoint(origin, size, root)

    found = verify(sign(checkpoint, KEY), vkey(origin, KEY.public_key()))

    assert found == checkpoint


@given(st.data())
def test_no_character_of_a_signed_checkpoint_can_be_changed(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(NOTE) - 1))
    new = data.draw(st.characters(codec="utf-8").filter(lambda each: each != NOTE[at]))

    with pytest.raises(BadSignature):
        verify(NOTE[:at] + new + NOTE[at + 1 :], VKEY)


@given(st.integers(0, len(NOTE) - 1))
def test_no_checkpoint_that_was_cut_short_verifies(length: int) -> None:
    with pytest.raises(BadSignature):
        verify(NOTE[:length], VKEY)


def test_signatures_of_other_keys_are_ignored() -> None:
    witness = sign(Checkpoint("witness.example", 7, bytes(32)), KEY).splitlines(keepends=True)[-1]

    found = [verify(text, VKEY) for text in (NOTE + witness, NOTE.replace("— ", witness + "— "))]

    assert found == [CHECKPOINT, CHECKPOINT]


def test_another_key_of_the_same_name_does_not_verify() -> None:
    stranger = vkey(ORIGIN, Ed25519PrivateKey.generate().public_key())

    with pytest.raises(BadSignature, match="did not sign"):
        verify(NOTE, stranger)


def test_a_wrong_signature_beside_a_right_one_is_not_overlooked() -> None:
    *_, line = NOTE.splitlines(keepends=True)
    blob = bytearray(base64.b64decode(line.split()[-1]))
    blob[-1] ^= 1
    wrong = f"— {ORIGIN} {base64.b64encode(blob).decode()}\n"

    with pytest.raises(BadSignature, match="altered"):
        verify(NOTE + wrong, VKEY)


def test_a_key_does_not_speak_for_another_ledger() -> None:
    text = "example.com/other\n7\n" + base64.b64encode(bytes(32)).decode() + "\n"
    key_id = bytes.fromhex(VKEY.split("+")[1])
    blob = base64.b64encode(key_id + KEY.sign(text.encode())).decode()

    with pytest.raises(BadSignature, match=r"not of example\.com/ledger"):
        verify(f"{text}\n— {ORIGIN} {blob}\n", VKEY)


@pytest.mark.parametrize(
    "body",
    ["{o}\n07\n{r}\n", "{o}\n-1\n{r}\n", "{o}\n7\n{r}\nextension\n", "{o}\n7\nAAAA\n", "x\n"],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(body: str) -> None:
    text = body.format(o=ORIGIN, r=base64.b64encode(bytes(32)).decode())
    key_id = bytes.fromhex(VKEY.split("+")[1])
    blob = base64.b64encode(key_id + KEY.sign(text.encode())).decode()

    with pytest.raises(BadSignature, match="checkpoint"):
        verify(f"{text}\n— {ORIGIN} {blob}\n", VKEY)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb", "a\u00a0b", "a\x7f"])
def test_a_name_that_would_not_parse_is_refused(name: str) -> None:
    with pytest.raises(BadSignature, match="cannot name a ledger"):
        vkey(name, KEY.public_key())


@pytest.mark.parametrize(
    "key", ["", "a", "a+b", VKEY[:-4], VKEY.replace("example", "exemple"), VKEY.swapcase()]
)
def test_a_verifier_key_that_was_copied_badly_is_refused(key: str) -> None:
    with pytest.raises(BadSignature):
        verify(NOTE, key)
