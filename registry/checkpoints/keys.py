"""Keys that sign checkpoints: elliptic curves, as model_signing has them.

A private key is read, used and forgotten: nothing here writes one or shows one.

Source: OpenSSF Model Signing 1.0, algorithm registry (ECDSA with the hash of the curve).
"""

import hashlib
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    EllipticCurve,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from registry.errors import BadSignature

SHOWN_DIGITS = 12

_HASHES: dict[str, HashAlgorithm] = {
    "secp256r1": SHA256(),
    "secp384r1": SHA384(),
    "secp521r1": SHA512(),
}
_MAKE_ONE = "make one with openssl ecparam -name prime256v1 -genkey -noout -out key.pem"
_PUBLIC_HALF = "openssl ec -in key.pem -pubout -out key.pub"


def read_private_key(pem: bytes, *, passphrase: Callable[[], str]) -> EllipticCurvePrivateKey:
    """Read a private key in PEM.

    Args:
        pem: The file's bytes.
        passphrase: Asked only if the key is encrypted.

    Raises:
        BadSignature: It is something else, or the passphrase is wrong.
    """
    try:
        key = _decrypted(pem, passphrase)
    except UnsupportedAlgorithm as error:
        raise BadSignature(f"this kind of private key cannot be read here: {_MAKE_ONE}") from error
    except ValueError as error:
        raise BadSignature(f"this is no private key in PEM: {_MAKE_ONE}") from error
    if not isinstance(key, EllipticCurvePrivateKey):
        raise BadSignature(
            f"this is a private key, but none of an elliptic curve, which bundles need: {_MAKE_ONE}"
        )
    _check_curve(key.curve)
    return key


def read_public_key(pem: bytes) -> EllipticCurvePublicKey:
    """Read a public key in PEM.

    Raises:
        BadSignature: It is something else.
    """
    if b"PRIVATE KEY-----" in pem:
        raise BadSignature(
            f"this is a private key: keep it, and give the public one ({_PUBLIC_HALF})"
        )
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadSignature("this is no public key in PEM: ask the signer for key.pub") from error
    if not isinstance(key, EllipticCurvePublicKey):
        raise BadSignature(
            "this is a public key, but none of an elliptic curve, which alone sign bundles"
        )
    _check_curve(key.curve)
    return key


def pem_of(key: EllipticCurvePublicKey) -> bytes:
    """Return a public key in PEM, as openssl writes it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def hint_of(key: EllipticCurvePublicKey) -> str:
    """Return what a bundle calls a key by: the sha256 of its PEM text, 64 hex digits."""
    return hashlib.sha256(pem_of(key)).hexdigest()


def sign(content: bytes, key: EllipticCurvePrivateKey) -> bytes:
    """Return the signature in DER."""
    return key.sign(content, ECDSA(_HASHES[key.curve.name]))


def signed_by(key: EllipticCurvePublicKey, signature: bytes, content: bytes) -> bool:
    """Return whether the signature is this key's."""
    try:
        key.verify(signature, content, ECDSA(_HASHES[key.curve.name]))
    except InvalidSignature:
        return False
    return True


def _decrypted(pem: bytes, passphrase: Callable[[], str]) -> object:
    try:
        return load_pem_private_key(pem, password=None)
    except TypeError:  # so cryptography says that the key is encrypted
        secret = passphrase().encode(errors="surrogateescape")  # as the environment gave it
    try:
        return load_pem_private_key(pem, password=secret)
    except (ValueError, TypeError) as error:  # TypeError for an empty one
        raise BadSignature("the passphrase is not this key's") from error


def _check_curve(curve: EllipticCurve) -> None:
    if curve.name not in _HASHES:
        raise BadSignature(
            f"the key's curve is {curve.name}, and bundles know P-256, P-384 and P-521: {_MAKE_ONE}"
        )
