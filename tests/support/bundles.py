"""Bundles of model signatures, right and wrong, made of nothing but keys and digests."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any, NoReturn

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from registry.checkpoints import keys
from registry.checkpoints.digest import FileDigest
from registry.checkpoints.resources import Serialization
from registry.checkpoints.signing import sign_files
from registry.dsse import Envelope, pae

Json = dict[str, Any]

KEY = derive_private_key(12_345, SECP256R1())
OTHER_KEY = derive_private_key(67_890, SECP256R1())
PUBLIC, OTHER_PUBLIC = keys.pem_of(KEY.public_key()), keys.pem_of(OTHER_KEY.public_key())
CONTENTS = {"config.json": b"{}", "a/b.bin": b"weights", "a-b.bin": b"more"}


def private_pem(passphrase: str = "") -> bytes:
    """Return the private key in PEM, encrypted if there is a passphrase."""
    how = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def digests(**changes: bytes) -> list[FileDigest]:
    """Return the digests of small files, some with other contents."""
    contents = CONTENTS | changes
    return [
        FileDigest(path, len(content), hashlib.sha256(content).hexdigest(), "0" * 64)
        for path, content in contents.items()
    ]


def nowhere(path: str) -> NoReturn:
    """Fail: whoever asks for the bytes of a file needed only its digest."""
    raise AssertionError(f"{path} was read")


def in_folder(folder: Path) -> Any:
    """Return what says where the bytes of a path are."""
    return lambda path: folder / path


def signed() -> bytes:
    """Return a right bundle over the small files."""
    return sign_files(
        digests(), name="small", key=KEY, serialization=Serialization(), file_of=nowhere
    )


def statement_of(bundle: bytes) -> Json:
    """Return what a bundle says."""
    said: Json = json.loads(base64.b64decode(json.loads(bundle)["dsseEnvelope"]["payload"]))
    return said


def seal(statement: Json | bytes, *, key: Any = KEY) -> bytes:
    """Sign a statement, whatever it says."""
    payload = statement if isinstance(statement, bytes) else json.dumps(statement).encode()
    bundle: Json = json.loads(signed())
    bundle["dsseEnvelope"] = Envelope(payload, "", keys.sign(pae(payload), key)).to_json()
    return json.dumps(bundle).encode()


def rooted(statement: Json) -> Json:
    """Return the statement with the root digest that fits its resources."""
    root = hashlib.sha256()
    for each in statement["predicate"]["resources"]:
        root.update(bytes.fromhex(each["digest"]))
    subject = {**statement["subject"][0], "digest": {"sha256": root.hexdigest()}}
    return {**statement, "subject": [subject]}
