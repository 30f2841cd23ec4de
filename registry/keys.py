"""Private keys of this instance: made once, readable by their owner alone."""

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from registry.errors import BadSignature


def load_or_create_key(path: Path) -> Ed25519PrivateKey:
    """Return the private key in a PEM file, which is made if it is not there.

    Only its owner may read the file. Of processes that make it at once, one wins and all
    get its key.

    Raises:
        BadSignature: The file holds something else.
    """
    if not path.exists():
        _create_key(path)
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise BadSignature(f"{path} is no private key without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadSignature(f"{path} holds another kind of key than Ed25519")
    return key


def _create_key(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, a link fails where another process was first.
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)
