"""A bundle says who signed which files; whatever is wrong with one is said in one line."""

import contextlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    generate_private_key,
)
from hypothesis import given
from hypothesis import strategies as st

from registry.checkpoints import keys
from registry.checkpoints.digest import FileDigest
from registry.checkpoints.resources import Serialization
from registry.checkpoints.signing import sign_files, verify_bundle
from registry.errors import BadBundle, BadCheckpoint
from tests.support import bundles

BUNDLE = bundles.signed()
SAID = bundles.statement_of(BUNDLE)
WHOLE = verify_bundle(BUNDLE, bundles.PUBLIC)


def refusal_of(data: bytes, key: bytes = bundles.PUBLIC) -> str:
    """Return what is said of a bundle that is refused."""
    with pytest.raises(BadBundle) as caught:
        verify_bundle(data, key)
    return str(caught.value)


@pytest.mark.parametrize("curve", [SECP256R1(), SECP384R1(), SECP521R1()])
def test_a_bundle_says_what_was_signed_under_every_curve(curve: EllipticCurve) -> None:
    key = generate_private_key(curve)
    data = sign_files(
        bundles.digests(),
        name="small",
        key=key,
        serialization=Serialization(),
        file_of=bundles.nowhere,
    )

    bundle = verify_bundle(data, keys.pem_of(key.public_key()))

    assert [each.name for each in bundle.resources] == ["a-b.bin", "a/b.bin", "config.json"]
    assert bundle.name == "small"
    assert bundle.key_hint == keys.hint_of(key.public_key())
    assert bundle.compare(bundles.digests(), file_of=bundles.nowhere).holds


def test_a_bundle_has_the_members_of_the_specification() -> None:
    document = json.loads(BUNDLE)

    assert document["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert document["verificationMaterial"] == {
        "publicKey": {"hint": keys.hint_of(bundles.KEY.public_key())},
        "tlogEntries": [],
    }
    assert SAID["_type"] == "https://in-toto.io/Statement/v1"
    assert SAID["predicateType"] == "https://model_signing/signature/v1.0"
    assert SAID["predicate"]["serialization"] == {
        "method": "files",
        "hash_type": "sha256",
        "allow_symlinks": False,
        "ignore_paths": [".git", ".gitattributes", ".github", ".gitignore"],
    }
    assert bundles.rooted(SAID) == SAID


def test_a_file_that_differs_is_named_with_what_was_expected_and_found() -> None:
    bundle = verify_bundle(BUNDLE, bundles.PUBLIC)
    found = [
        *(each for each in bundles.digests(**{"config.json": b"[]"}) if each.path != "a-b.bin"),
        FileDigest("extra.bin", 5, "e" * 64, "e" * 64),
        FileDigest(".gitattributes", 5, "e" * 64, "e" * 64),
    ]

    comparison = bundle.compare(found, file_of=bundles.nowhere)

    assert comparison.differences == (
        "a-b.bin is missing: expected sha256 187897ce0afc",
        "config.json differs: expected sha256 44136fa355b3, found sha256 4f53cda18c2b",
        "extra.bin is not signed: found sha256 eeeeeeeeeeee (5 bytes)",
    )
    assert comparison.unsigned == (".gitattributes",)
    assert not comparison.holds


def test_a_path_that_merely_begins_like_an_ignored_one_must_be_signed() -> None:
    serialization = Serialization(ignore_paths=("cache",))

    assert serialization.ignores("cache/x")
    assert serialization.ignores(".git/config")
    assert not serialization.ignores("cached")
    assert not serialization.ignores("a/cache")
    assert not serialization.ignores("a/.git/config")


def test_another_key_is_named() -> None:
    ours, theirs = (keys.hint_of(each.public_key()) for each in (bundles.OTHER_KEY, bundles.KEY))

    assert refusal_of(BUNDLE, bundles.OTHER_PUBLIC) == (
        f"key '{theirs[:12]}' signed this bundle, and this is key {ours[:12]}: get the signer's key"
    )


def test_a_bundle_that_another_key_signed_under_our_name_is_refused() -> None:
    assert "signature is wrong" in refusal_of(bundles.seal(SAID, key=bundles.OTHER_KEY))


def test_a_statement_that_was_changed_after_signing_is_refused() -> None:
    changed = json.dumps({**SAID, "subject": [{**SAID["subject"][0], "name": "large"}]}).encode()
    document = json.loads(BUNDLE)
    document["dsseEnvelope"]["payload"] = json.loads(bundles.seal(changed))["dsseEnvelope"][
        "payload"
    ]

    assert "signature is wrong" in refusal_of(json.dumps(document).encode())


@given(position=st.integers(0, len(BUNDLE) - 1), byte=st.integers(0, 255))
def test_no_changed_byte_changes_what_was_signed(position: int, byte: int) -> None:
    changed = bytearray(BUNDLE)
    changed[position] = byte

    with contextlib.suppress(BadBundle):
        assert verify_bundle(bytes(changed), bundles.PUBLIC) == WHOLE


@pytest.mark.parametrize(
    ("files", "serialization", "says"),
    [
        ([], Serialization(), "at least one file"),
        ([FileDigest(".gitignore", 1, "0" * 64, "0" * 64)], Serialization(), "ignored"),
        ([FileDigest("a:b", 1, "0" * 64, "0" * 64)], Serialization(shard_size=4), "colon"),
        (bundles.digests(), Serialization("blake2b"), "sign with sha256"),
        (bundles.digests(), Serialization("blake3", shard_size=4), "sign with sha256"),
    ],
)
def test_nothing_is_signed_that_others_could_not_verify(
    files: list[FileDigest], serialization: Serialization, says: str
) -> None:
    with pytest.raises(BadCheckpoint, match=says):
        sign_files(
            files,
            name="small",
            key=bundles.KEY,
            serialization=serialization,
            file_of=bundles.nowhere,
        )
