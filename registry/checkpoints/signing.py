"""OpenSSF Model Signing bundles: sign a checkpoint's files, and check who signed which.

A bundle is JSON: verification material that names the key, and a DSSE envelope around an
in-toto statement, which lists every file (or shard) with its digest. Anyone can check one
with ``model_signing verify key``. Bundles signed with a key are read, not those with
certificates or identities.

Source: OpenSSF Model Signing 1.0, sections 4 to 8; Sigstore bundle 0.3.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from registry.checkpoints import keys
from registry.checkpoints.digest import Progress
from registry.checkpoints.resources import (
    Comparison,
    Digested,
    Resource,
    Serialization,
    compare,
    resources_of,
)
from registry.checkpoints.statement import Statement, parse, root_digest, to_json
from registry.documents import Json, read_object
from registry.dsse import Envelope, pae
from registry.errors import BadBundle, BadCheckpoint

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
LIMIT_BYTES = 1 << 26

_ALTERED = "it was altered, or is no bundle"


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a key signed; the signature holds.

    Attributes:
        name: What the signer calls the checkpoint; informative.
        root_digest: sha256 over the digests of all resources, 64 hex digits.
        resources: Every file or shard, in the signer's order.
        serialization: How files became resources.
        key_hint: sha256 of the public key's PEM text, 64 hex digits.
    """

    name: str
    root_digest: str
    resources: tuple[Resource, ...]
    serialization: Serialization
    key_hint: str

    def compare(
        self,
        found: Iterable[Digested],
        *,
        file_of: Callable[[str], Path],
        progress: Progress | None = None,
    ) -> Comparison:
        """Compare what was signed with the files that were found.

        Args:
            found: Every file, with its digests.
            file_of: Says where the bytes of a path are; only shards and BLAKE2b need them.
            progress: Called with a number of bytes read.

        Raises:
            BadCheckpoint: A file cannot be read, or is another than was digested.
        """
        return compare(
            self.resources, self.serialization, found, file_of=file_of, progress=progress
        )


def sign_files(
    files: Iterable[Digested],
    *,
    name: str,
    key: EllipticCurvePrivateKey,
    serialization: Serialization,
    file_of: Callable[[str], Path],
    progress: Progress | None = None,
) -> bytes:
    """Return a bundle over files whose digests are known.

    Args:
        files: All files of the checkpoint.
        name: What the checkpoint is called; informative.
        key: Of one of the curves that bundles know.
        serialization: How to make resources of the files.
        file_of: Says where the bytes of a path are; shards are read from there.
        progress: Called with a number of bytes read.

    Raises:
        BadCheckpoint: There are no files, one of them nobody could verify, or one is another
            than was digested.
    """
    known = list(files)
    _check_verifiable(known, serialization)
    resources = resources_of(known, serialization, file_of=file_of, progress=progress)
    if not resources:
        raise BadCheckpoint(f"{name} has no bytes to sign: a signature needs at least one file")
    statement = Statement(name, root_digest(resources), tuple(resources), serialization)
    payload = json.dumps(
        to_json(statement), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()
    bundle = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {
            "publicKey": {"hint": keys.hint_of(key.public_key())},
            "tlogEntries": [],
        },
        "dsseEnvelope": Envelope(payload, "", keys.sign(pae(payload), key)).to_json(),
    }
    return json.dumps(bundle).encode()


def verify_bundle(data: bytes, public_key_pem: bytes) -> Bundle:
    """Return what a bundle says, having checked that the key signed it.

    Raises:
        BadBundle: It is malformed, altered, inconsistent, or signed by another key.
        BadSignature: The key is none that signs bundles.
    """
    key = keys.read_public_key(public_key_pem)
    hint = keys.hint_of(key)
    named, envelope = _envelope(data)
    if named is not None and named != hint:
        raise BadBundle(
            f"key {named[: keys.SHOWN_DIGITS]!a} signed this bundle, and this is key "
            f"{hint[: keys.SHOWN_DIGITS]}: get the signer's key",
            signed_by=named,
            key=hint,
        )
    if not keys.signed_by(key, envelope.signature, pae(envelope.payload)):
        raise BadBundle("the signature is wrong: the bundle was altered, or another key signed it")
    statement = parse(envelope.payload)
    return Bundle(
        name=statement.name,
        root_digest=statement.root_digest,
        resources=statement.resources,
        serialization=statement.serialization,
        key_hint=hint,
    )


def _envelope(data: bytes) -> tuple[str | None, Envelope]:
    """Return which key a bundle names, if it does, and its envelope."""
    if len(data) > LIMIT_BYTES:
        raise BadBundle(f"this is no bundle: it has {len(data)} bytes, more than {LIMIT_BYTES}")
    try:
        document = read_object(data)
    except ValueError as error:
        raise BadBundle(f"this is no bundle: {error}") from error
    match document:
        case {
            "mediaType": str(media_type),
            "verificationMaterial": dict(material),
            "dsseEnvelope": dict(envelope),
            **more,
        } if not more:
            pass
        case _:
            raise BadBundle(
                "this is no bundle: one has mediaType, verificationMaterial and dsseEnvelope, "
                "and nothing else"
            )
    if media_type != MEDIA_TYPE:
        raise BadBundle(f"the bundle's media type is {media_type[:99]!a}, not {MEDIA_TYPE}")
    named = _named_key(material)
    try:
        return named, Envelope.from_json(envelope)
    except ValueError as error:
        raise BadBundle(f"the bundle's envelope is malformed: {error}") from error


def _named_key(material: Json) -> str | None:
    if {"certificate", "x509CertificateChain"} & material.keys():
        raise BadBundle(
            "this bundle is signed with a certificate: verify it with model_signing, or ask the "
            "signer for one that is signed with a key"
        )
    match material.get("publicKey"):
        case {"hint": str(hint)}:
            return hint
        case {"rawBytes": str()}:  # as model_signing wrote it before 1.1
            return None
    raise BadBundle(f"the bundle names no public key: {_ALTERED}")


def _check_verifiable(files: list[Digested], serialization: Serialization) -> None:
    """Refuse what the verifiers that people have could not check."""
    sharded = serialization.shard_size is not None
    if serialization.hash_type == "blake2b" or (sharded and serialization.hash_type == "blake3"):
        how = "in shards " if sharded else ""
        raise BadCheckpoint(
            f"model_signing cannot verify {serialization.hash_type} {how}: sign with sha256"
        )
    for file in files:
        if serialization.ignores(file.path):
            raise BadCheckpoint(
                f"{file.path} is ignored by whoever verifies, so it cannot be signed: take it out"
            )
        if sharded and ":" in file.path:
            raise BadCheckpoint(
                f"model_signing cannot verify shards of {file.path}, for its colon: "
                "sign the files whole"
            )
