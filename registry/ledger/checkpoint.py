"""Signed checkpoints of the ledger: what an auditor keeps and compares.

A checkpoint is text: the ledger's origin, its size and its root (base64), a line each. It
is signed as a note, and any program that knows the format can verify it: ::

    example.com/ledger
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — example.com/ledger <base64 of 4 bytes of key id and 64 of Ed25519 signature>

The ledger's key is named as its origin. Extension lines are not used, and refused, because
no monitor can audit them.

Source: c2sp.org/tlog-checkpoint and c2sp.org/signed-note.
"""

import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from registry.documents import from_base64, to_base64
from registry.errors import BadSignature
from registry.ledger.merkle import HASH_BYTES

NOTE_LIMIT_CHARACTERS = 1_000_000

_ED25519 = b"\x01"
_KEY_ID_BYTES = 4
_NAME = re.compile(r"[^\s+\x00-\x20\x7f]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The ledger at one size.

    Attributes:
        origin: Which ledger: a URL without its scheme; no spaces, no ``+``.
        size: Number of leaves.
        root: Of the tree with that many leaves; 32 bytes.

    Raises:
        BadSignature: A value is not as described.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        _check_name(self.origin)
        if self.size < 0 or len(self.root) != HASH_BYTES:
            raise BadSignature("a checkpoint has a size from 0 and a root of 32 bytes")

    def text(self) -> str:
        """Return the lines that are signed, each with its newline."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"


def vkey(name: str, public_key: Ed25519PublicKey) -> str:
    """Return the verifier key: ``name+key id+key``, what auditors need to verify.

    Raises:
        BadSignature: The name is empty or holds a space or a ``+``.
    """
    _check_name(name)
    encoded = _ED25519 + public_key.public_bytes_raw()
    return f"{name}+{_key_id(name, encoded).hex()}+{to_base64(encoded)}"


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """Return the checkpoint as a note signed with the ledger's key.

    Whoever calls this vouches that no checkpoint signed before is inconsistent with it.
    """
    text = checkpoint.text()
    name, encoded = checkpoint.origin, _ED25519 + key.public_key().public_bytes_raw()
    signature = _key_id(name, encoded) + key.sign(text.encode())
    return f"{text}\n— {name} {to_base64(signature)}\n"


def verify(text: str, vkey: str) -> Checkpoint:
    """Return the checkpoint that this key signed.

    Signatures of other keys, such as witnesses, are ignored.

    Raises:
        BadSignature: The text or the key is malformed, the key did not sign it, or the
            checkpoint is of another ledger than the key's.
    """
    name, key_id, key = _parse_vkey(vkey)
    signed, signatures = _split(text)
    ours = [blob for signer, blob in signatures if signer == name and blob.startswith(key_id)]
    if not ours:
        raise BadSignature(f"the key {name} did not sign this checkpoint", key=name)
    for blob in ours:
        try:
            key.verify(blob[_KEY_ID_BYTES:], signed.encode())
        except InvalidSignature as error:
            raise BadSignature(
                f"the signature by {name} is wrong: the checkpoint was altered", key=name
            ) from error
    checkpoint = _parse_text(signed)
    if checkpoint.origin != name:
        raise BadSignature(f"this checkpoint is of {checkpoint.origin}, not of {name}", key=name)
    return checkpoint


def read_unverified(text: str) -> Checkpoint:
    """Return what a signed checkpoint says, whoever signed it.

    Raises:
        BadSignature: The text is malformed.
    """
    signed, _ = _split(text)
    return _parse_text(signed)


def _split(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Return the signed lines of a note, and signer and signature of each line after them."""
    body, blank, lines = text.rpartition("\n\n")
    if not blank or not lines.endswith("\n") or len(text) > NOTE_LIMIT_CHARACTERS:
        raise BadSignature("this is no signed checkpoint: copy it whole, with its last newline")
    return f"{body}\n", [_signature(line) for line in lines.removesuffix("\n").split("\n")]


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise BadSignature(f"{name!a} cannot name a ledger: no spaces, no '+', not empty")


def _key_id(name: str, encoded: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + encoded).digest()[:_KEY_ID_BYTES]


def _parse_vkey(vkey: str) -> tuple[str, bytes, Ed25519PublicKey]:
    # The base64 at the end may hold a plus itself.
    name, _, rest = vkey.strip().partition("+")
    key_id, _, digits = rest.partition("+")
    encoded = _unbase64(digits)
    if encoded[:1] != _ED25519 or len(encoded) != 1 + HASH_BYTES:
        raise BadSignature("this is no Ed25519 verifier key (name+key id+base64)")
    if _key_id(name, encoded).hex() != key_id:
        raise BadSignature("the verifier key's id does not fit its name and key: copy it again")
    return name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(encoded[1:])


def _signature(line: str) -> tuple[str, bytes]:
    """Return who signed, and key id and signature, of one line after the blank line."""
    dash, _, rest = line.partition(" ")
    name, _, digits = rest.partition(" ")
    blob = _unbase64(digits)
    if dash != "—" or not _NAME.fullmatch(name) or len(blob) <= _KEY_ID_BYTES:
        raise BadSignature("this is no signed checkpoint: a signature line is malformed")
    return name, blob


def _parse_text(signed: str) -> Checkpoint:
    match signed.split("\n"):
        case [origin, size, root, ""] if _SIZE.fullmatch(size):
            return Checkpoint(origin, int(size), _unbase64(root))
    raise BadSignature("this is no checkpoint: it has three lines, origin, size and root")


def _unbase64(text: str) -> bytes:
    try:
        return from_base64(text)
    except ValueError as error:
        raise BadSignature(f"{error}: copy it again") from error
