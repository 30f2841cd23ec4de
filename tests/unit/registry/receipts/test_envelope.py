import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from registry.errors import BadReceipt, BadSignature
from registry.receipts.envelope import Envelope, key_id_of, pem_of, read_public_key, sign
from tests.support import receipts


def test_an_envelope_is_read_back_as_it_was_written() -> None:
    envelope = sign(b"{}", receipts.KEY)

    assert Envelope.from_json(json.loads(json.dumps(envelope.to_json()))) == envelope


def test_a_key_is_named_by_the_sha256_of_its_der() -> None:
    key = receipts.KEY.public_key()
    der = base64.b64decode("".join(pem_of(key).splitlines()[1:-1]))

    assert key_id_of(key) == hashlib.sha256(der).hexdigest()
    assert read_public_key(pem_of(key).encode()) == key


@pytest.mark.parametrize("pem", [b"", b"not a key", b"-----BEGIN PUBLIC KEY-----\n"])
def test_what_is_no_key_is_refused(pem: bytes) -> None:
    with pytest.raises(BadSignature, match="no public key"):
        read_public_key(pem)


def test_a_key_of_another_kind_is_refused() -> None:
    other = generate_private_key(SECP256R1()).public_key()

    with pytest.raises(BadSignature, match="another kind"):
        read_public_key(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


@pytest.mark.parametrize("base64_text", ["e30", "e31=", "e3 0=", "é"])
def test_base64_that_two_readers_could_read_differently_is_refused(base64_text: str) -> None:
    document = {**sign(b"{}", receipts.KEY).to_json(), "payload": base64_text}

    with pytest.raises(BadReceipt, match="base64"):
        Envelope.from_json(document)
