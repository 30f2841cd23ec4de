"""Only keys of elliptic curves sign bundles, and every other file is refused with words."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from registry.checkpoints.keys import pem_of, read_private_key, read_public_key, sign, signed_by
from registry.errors import BadSignature
from tests.support import bundles


def no_passphrase() -> str:
    """Fail: the key is not encrypted."""
    raise AssertionError("asked for a passphrase")


def private_pem(key: PrivateKeyTypes) -> bytes:
    """Return any private key in PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_what_a_key_signs_its_public_half_confirms(curve: ec.EllipticCurve) -> None:
    key = read_private_key(private_pem(ec.generate_private_key(curve)), passphrase=no_passphrase)
    public = read_public_key(pem_of(key.public_key()))

    signature = sign(b"content", key)

    assert signed_by(public, signature, b"content")
    assert not signed_by(public, signature, b"contents")
    assert not signed_by(public, b"", b"content")


def test_the_older_form_of_openssl_is_read() -> None:
    pem = bundles.KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"

    key = read_private_key(parameters + pem, passphrase=no_passphrase)

    assert key.private_numbers() == bundles.KEY.private_numbers()


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_opens_with_its_passphrase_alone(form: PrivateFormat) -> None:
    pem = bundles.KEY.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"open sesame"))

    key = read_private_key(pem, passphrase=lambda: "open sesame")

    assert key.private_numbers() == bundles.KEY.private_numbers()
    for wrong in ("open", ""):
        with pytest.raises(BadSignature, match="passphrase"):
            read_private_key(pem, passphrase=lambda: wrong)  # noqa: B023 (called at once)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (ed25519.Ed25519PrivateKey.generate, "none of an elliptic curve"),
        (lambda: rsa.generate_private_key(65_537, 2048), "none of an elliptic curve"),
        (lambda: ec.generate_private_key(ec.SECP256K1()), "secp256k1"),
    ],
)
def test_keys_of_other_kinds_are_refused(
    make: Callable[[], ec.EllipticCurvePrivateKey], says: str
) -> None:
    key = make()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    with pytest.raises(BadSignature, match=says):
        read_private_key(private_pem(key), passphrase=no_passphrase)
    with pytest.raises(BadSignature, match=says):
        read_public_key(public)


@pytest.mark.parametrize("pem", [b"", b"no key", b"\xff", bundles.PUBLIC])
def test_what_is_no_private_key_is_refused_with_how_to_make_one(pem: bytes) -> None:
    with pytest.raises(BadSignature, match="openssl ecparam"):
        read_private_key(pem, passphrase=no_passphrase)


def test_a_private_key_is_not_taken_for_a_public_one() -> None:
    with pytest.raises(BadSignature, match="keep it"):
        read_public_key(bundles.private_pem())


@pytest.mark.parametrize("pem", [b"", b"no key", b"\xff"])
def test_what_is_no_public_key_is_refused(pem: bytes) -> None:
    with pytest.raises(BadSignature, match="ask the signer"):
        read_public_key(pem)
