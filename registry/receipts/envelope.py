"""How a receipt is signed: a DSSE envelope with one Ed25519 signature.

The signature is over ``PAE(type, payload)``: ``DSSEv1``, the length and the text of the
type, the length and the bytes of the payload, with a space between each.

Source: Dead Simple Signing Envelope 1.0.2, protocol.md and envelope.md.
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from registry.errors import BadReceipt, BadSignature

PAYLOAD_TYPE = "application/vnd.in-toto+json"
SHOWN_DIGITS = 12

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signed payload.

    Attributes:
        payload: The bytes that are signed.
        key_id: Which key signed, as ``key_id_of`` names it.
        signature: 64 bytes.
    """

    payload: bytes
    key_id: str
    signature: bytes

    def to_json(self) -> Json:
        """Return the envelope as its JSON document."""
        return {
            "payload": _base64(self.payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": self.key_id, "sig": _base64(self.signature)}],
        }

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Read an envelope, strictly.

        Raises:
            BadReceipt: A member is missing, unknown or not as ``to_json`` writes it.
        """
        match document:
            case {
                "payload": str(payload),
                "payloadType": str(kind),
                "signatures": [{"keyid": str(key_id), "sig": str(signature), **extra}],
                **more,
            } if not extra and not more:
                pass
            case _:
                raise BadReceipt(
                    "this is no receipt: it has payload, payloadType and one signature "
                    "with keyid and sig, and nothing else"
                )
        if kind != PAYLOAD_TYPE:
            raise BadReceipt(f"the payload type is not {PAYLOAD_TYPE}: the receipt was altered")
        return cls(_unbase64(payload), key_id, _unbase64(signature))

    def verify(self, key: Ed25519PublicKey) -> None:
        """Check that this key signed.

        Raises:
            BadReceipt: Another key signed, or the payload or the signature was altered.
        """
        ours = key_id_of(key)
        if self.key_id != ours:
            raise BadReceipt(
                f"key {self.key_id[:SHOWN_DIGITS]!a} signed this receipt, and this is key "
                f"{ours[:SHOWN_DIGITS]}: fetch the right one with corral receipt key"
            )
        try:
            key.verify(self.signature, pae(self.payload))
        except InvalidSignature as error:
            raise BadReceipt("the signature is wrong: the receipt was altered") from error


def sign(payload: bytes, key: Ed25519PrivateKey) -> Envelope:
    """Return the payload, signed."""
    return Envelope(payload, key_id_of(key.public_key()), key.sign(pae(payload)))


def pae(payload: bytes) -> bytes:
    """Return the bytes that are signed: DSSE's pre-authentication encoding."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def key_id_of(key: Ed25519PublicKey) -> str:
    """Return a key's name: the sha256 of its SubjectPublicKeyInfo in DER, 64 hex digits."""
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(encoded).hexdigest()


def pem_of(key: Ed25519PublicKey) -> str:
    """Return a public key in PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def read_public_key(pem: bytes) -> Ed25519PublicKey:
    """Read a public key in PEM.

    Raises:
        BadSignature: It is something else.
    """
    try:
        key = load_pem_public_key(pem)
    except ValueError as error:
        raise BadSignature(
            "this is no public key in PEM: fetch one with corral receipt key"
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise BadSignature("this is another kind of key than Ed25519: corral receipt key has ours")
    return key


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _unbase64(text: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise BadReceipt("what should be base64 is not: copy the receipt again") from error
    if _base64(content) != text:
        raise BadReceipt("the base64 is not canonical: copy the receipt again")
    return content
