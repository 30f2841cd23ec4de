"""Whatever is wrong with a bundle is said in one line, signed or not."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.checkpoints.resources import Resource
from registry.checkpoints.signing import LIMIT_BYTES, verify_bundle
from registry.checkpoints.statement import parse
from registry.errors import BadBundle
from tests.support import bundles
from tests.support.bundles import Json

BUNDLE = bundles.signed()
SAID = bundles.statement_of(BUNDLE)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
    max_leaves=5,
)


def altered(*path: str | int, value: Any, document: Json | None = None) -> Json:
    """Return a copy of the statement, or of another document, with one value changed."""
    whole = copy.deepcopy(SAID if document is None else document)
    place: Any = whole
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return whole


def refusal_of(data: bytes, key: bytes = bundles.PUBLIC) -> str:
    """Return what is said of a bundle that is refused."""
    with pytest.raises(BadBundle) as caught:
        verify_bundle(data, key)
    return str(caught.value)


@given(st.binary(max_size=200))
def test_what_is_no_bundle_is_refused_in_one_line(data: bytes) -> None:
    assert "\n" not in refusal_of(data)


def test_a_file_too_large_to_be_a_bundle_is_not_read() -> None:
    assert "more than" in refusal_of(b" " * (LIMIT_BYTES + 1))


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("mediaType",), "application/json", "media type"),
        (("more",), 1, "nothing else"),
        (("dsseEnvelope",), None, "no bundle"),
        (("dsseEnvelope", "payloadType"), "application/octet-stream", "payload type"),
        (("dsseEnvelope", "signatures"), [], "one signature"),
        (("dsseEnvelope", "payload"), "e30", "base64"),
        (("dsseEnvelope", "signatures", 0, "sig"), "", "signature is wrong"),
        (("verificationMaterial",), [], "no bundle"),
        (("verificationMaterial",), {}, "no public key"),
        (("verificationMaterial", "publicKey"), {"hint": 1}, "no public key"),
        (("verificationMaterial", "certificate"), {"rawBytes": ""}, "certificate"),
        (("verificationMaterial", "x509CertificateChain"), {}, "certificate"),
    ],
)
def test_a_malformed_bundle_is_refused(path: tuple[str | int, ...], value: Any, says: str) -> None:
    document = altered(*path, value=value, document=json.loads(BUNDLE))

    assert says in refusal_of(json.dumps(document).encode())


def test_an_older_bundle_that_holds_the_key_instead_of_its_hint_is_read() -> None:
    document = json.loads(BUNDLE)
    document["verificationMaterial"] = {"publicKey": {"rawBytes": "", "keyDetails": "P256"}}

    assert verify_bundle(json.dumps(document).encode(), bundles.PUBLIC).name == "small"


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("_type",), "https://in-toto.io/Statement/v0.1", "is no https://in-toto.io"),
        (("predicateType",), "https://model_signing/Digests/v0.1", "another kind"),
        (("subject",), [], "no subject"),
        (("subject",), SAID["subject"] * 2, "no subject"),
        (("subject", 0, "name"), "", "no subject"),
        (("subject", 0, "digest"), {"sha512": "0"}, "no subject"),
        (("subject", 0, "digest", "sha256"), "0" * 64, "contradicts itself"),
        (("predicate",), {"resources": []}, "no predicate"),
        (("predicate", "resources"), [], "no file at all"),
        (("predicate", "resources"), SAID["predicate"]["resources"][:2], "contradicts itself"),
        (("predicate", "resources"), SAID["predicate"]["resources"][::-1], "order"),
        (("predicate", "resources"), SAID["predicate"]["resources"][:1] * 2, "listed twice"),
        (("predicate", "resources", 0), "a-b.bin", "without name"),
        (("predicate", "resources", 0, "name"), "../a-b.bin", "no path"),
        (("predicate", "resources", 0, "name"), "/a-b.bin", "no path"),
        (("predicate", "resources", 0, "name"), "./a-b.bin", "no path"),
        (("predicate", "resources", 0, "name"), "a\nb", "no path"),
        (("predicate", "resources", 0, "name"), "", "no path"),
        (("predicate", "resources", 0, "algorithm"), "blake3", "hash_type is sha256"),
        (("predicate", "resources", 0, "algorithm"), "md5", "hash_type is sha256"),
        (("predicate", "resources", 0, "digest"), "A" * 64, "hex digits"),
        (("predicate", "resources", 0, "digest"), "a" * 63, "hex digits"),
        (("predicate", "serialization", "method"), "tensors", "not files or shards"),
        (("predicate", "serialization", "method"), "shards", "shard_size"),
        (("predicate", "serialization", "shard_size"), 4, "and yet"),
        (("predicate", "serialization", "hash_type"), "md5", "not sha256"),
        (("predicate", "serialization", "hash_type"), [], "not sha256"),
        (("predicate", "serialization", "allow_symlinks"), "false", "not true or false"),
        (("predicate", "serialization", "ignore_paths"), ".git", "no list"),
        (("predicate", "serialization", "ignore_paths"), [1], "no list"),
        (("predicate", "serialization", "ignore_paths"), ["../.."], "no path"),
        (("predicate", "serialization", "ignore_case"), True, "not known"),
    ],
)
def test_a_statement_that_is_wrong_is_refused_although_it_is_signed(
    path: tuple[str | int, ...], value: Any, says: str
) -> None:
    said = refusal_of(bundles.seal(altered(*path, value=value)))

    assert says in said
    assert "\n" not in said


@pytest.mark.parametrize("payload", [b"", b"[]", b'{"_type":1,"_type":2}', b"\xff", b"[" * 99_999])
def test_what_is_signed_must_be_a_json_object(payload: bytes) -> None:
    assert "no statement" in refusal_of(bundles.seal(payload))


def test_what_the_specification_lets_a_signer_add_is_ignored() -> None:
    said = altered("predicate", "card", value={})
    said["predicate"]["resources"][0]["uri"] = "https://example.com"
    said["more"] = 1

    assert len(verify_bundle(bundles.seal(said), bundles.PUBLIC).resources) == 3


def test_both_orders_that_signers_use_are_read() -> None:
    listed = SAID["predicate"]["resources"]
    by_parts = sorted(listed, key=lambda each: each["name"].split("/"))
    said = bundles.rooted(altered("predicate", "resources", value=by_parts))

    bundle = verify_bundle(bundles.seal(said), bundles.PUBLIC)

    assert [each.name for each in bundle.resources] == ["a/b.bin", "a-b.bin", "config.json"]


def test_an_order_that_is_neither_is_refused() -> None:
    listed = SAID["predicate"]["resources"]
    said = bundles.rooted(altered("predicate", "resources", value=[listed[2], *listed[:2]]))

    assert "order" in refusal_of(bundles.seal(said))


def sharded(*names: str, shard_size: Any = 4) -> Json:
    """Return a statement about shards."""
    resources = [{"name": each, "digest": "1" * 64, "algorithm": "sha256"} for each in names]
    said = altered("predicate", "resources", value=resources)
    said["predicate"]["serialization"] |= {"method": "shards", "shard_size": shard_size}
    return bundles.rooted(said)


def test_shards_are_spans_of_files_whatever_is_in_their_names() -> None:
    said = sharded("a:1:b:0:4", "a:1:b:4:6", shard_size=4.0)

    bundle = verify_bundle(bundles.seal(said), bundles.PUBLIC)

    assert [(each.path, each.span) for each in bundle.resources] == [
        ("a:1:b", (0, 4)),
        ("a:1:b", (4, 6)),
    ]


@pytest.mark.parametrize(
    ("names", "size", "says"),
    [
        (["a"], 4, "no shard"),
        (["a:0"], 4, "no shard"),
        (["a:0:04"], 4, "no shard"),
        ([":0:4"], 4, "no shard"),
        (["../a:0:4"], 4, "no path"),
        (["a:4:8"], 4, "does not follow"),
        (["a:0:5"], 4, "does not follow"),
        (["a:0:4", "a:8:12"], 4, "does not follow"),
        (["a:0:3", "a:3:4"], 4, "does not follow"),
        (["a:0:4", "a:0:4"], 4, "listed twice"),
        (["a:0:4"], 0, "whole number"),
        (["a:0:4"], 1.5, "whole number"),
        (["a:0:4"], True, "whole number"),
        (["a:0:4"], "4", "whole number"),
        (["a:0:4"], 1e300, "whole number"),
    ],
)
def test_shards_that_do_not_fit_together_are_refused(
    names: list[str], size: Any, says: str
) -> None:
    assert says in refusal_of(bundles.seal(sharded(*names, shard_size=size)))


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every value in a document."""
    members = value.items() if isinstance(value, dict) else ()
    for name, each in enumerate(value) if isinstance(value, list) else members:
        yield (*path, name)
        yield from places(each, (*path, name))


@given(place=st.sampled_from(list(places(SAID))), value=VALUES)
def test_whatever_a_signer_writes_is_read_or_refused(
    place: tuple[str | int, ...], value: Any
) -> None:
    try:
        statement = parse(json.dumps(altered(*place, value=value)).encode())
    except BadBundle:
        return

    assert all(isinstance(each, Resource) for each in statement.resources)
    assert statement.name
