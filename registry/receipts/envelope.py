"""How a receipt is signed: a DSSE envelope with one Ed25519 signature."""

import hashlib
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from registry import dsse
from registry.documents import Json
from registry.dsse import pae
from registry.errors import BadReceipt, BadSignature

SHOWN_DIGITS = 12


class Envelope(dsse.Envelope):
    """A receipt's envelope; ``key_id`` is as ``key_id_of`` names the key."""

    __slots__ = ()

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Read an envelope, strictly.

        Raises:
            BadReceipt: A member is missing, unknown or not as ``to_json`` writes it.
        """
        try:
            return super().from_json(document)
        except ValueError as error:
            raise BadReceipt(f"this is no receipt, or it was altered: {error}") from error

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
