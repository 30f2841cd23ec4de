import hashlib
import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.checkpoints.digest import FileDigest
from registry.checkpoints.manifest import FileEntry, Manifest, compare
from registry.errors import BadCheckpoint

SHA = hashlib.sha256(b"").hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()

parts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\\\x7f", min_codepoint=0x20),
    min_size=1,
    max_size=8,
).filter(lambda part: part not in {".", ".."})
paths = st.lists(parts, min_size=1, max_size=3).map("/".join)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
entries = st.builds(FileEntry, paths, st.integers(0, 2**63 - 1), digests, digests)


def is_possible(files: list[FileEntry]) -> bool:
    names = [each.path for each in files]
    return not any(other.startswith(f"{name}/") for name in names for other in names)


manifests = (
    st.lists(entries, max_size=8, unique_by=lambda entry: entry.path)
    .filter(is_possible)
    .map(lambda files: Manifest(tuple(files)))
)


@given(manifests)
def test_the_canonical_form_reads_back_as_the_same_manifest(manifest: Manifest) -> None:
    again = Manifest.parse(manifest.canonical())

    assert again == manifest
    assert again.digest == manifest.digest


@given(manifests, st.randoms())
def test_the_digest_does_not_depend_on_the_order_of_the_files(
    manifest: Manifest, random: Random
) -> None:
    shuffled = list(manifest.files)
    random.shuffle(shuffled)

    again = Manifest(tuple(shuffled))

    assert again.digest == manifest.digest


@given(manifests, manifests)
def test_manifests_hold_against_each_other_exactly_when_their_digests_agree(
    one: Manifest, other: Manifest
) -> None:
    differences = compare(one, other)

    assert differences.holds == (one.digest == other.digest)
    assert bool(differences.summary()) == (not differences.holds)


def test_the_canonical_form_is_fixed_to_the_byte() -> None:
    manifest = Manifest((FileEntry('z"é.json', 3, SHA), FileEntry("a/b", 0, OTHER, SHA)))

    canonical = manifest.canonical()

    assert (
        canonical
        == (
            '{"files":[{"path":"a/b","sha256":"' + OTHER + '","size":0},'
            '{"path":"z\\"é.json","sha256":"' + SHA + '","size":3}]}'
        ).encode()
    )
    assert manifest.digest == hashlib.sha256(canonical).hexdigest()


def test_files_are_sorted_by_their_utf8_bytes() -> None:
    names = ["\U00010000", "\uffff", "a/b", "a.b", "A"]

    manifest = Manifest(tuple(FileEntry(name, 0, SHA) for name in names))

    assert [each.path for each in manifest.files] == ["A", "a.b", "a/b", "\uffff", "\U00010000"]


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../up", "a/../b", "./a", "a//b", "a/", "a\\b", "a\nb", "a\0", "\udcff"],
)
def test_a_path_that_could_leave_the_folder_or_confuse_a_reader_is_refused(path: str) -> None:
    with pytest.raises(BadCheckpoint, match="cannot be a file of a checkpoint"):
        FileEntry(path, 0, SHA)


@pytest.mark.parametrize(("size", "sha256"), [(-1, SHA), (2**63, SHA), (0, SHA.upper()), (0, "ab")])
def test_an_impossible_size_or_digest_is_refused(size: int, sha256: str) -> None:
    with pytest.raises(BadCheckpoint):
        FileEntry("a", size, sha256)


@pytest.mark.parametrize(("one", "other"), [("a", "a"), ("a", "a/b"), ("a/b", "a/b/c/d")])
def test_two_files_that_could_not_both_be_on_a_disk_are_refused(one: str, other: str) -> None:
    with pytest.raises(BadCheckpoint, match=r"twice|both a file and a folder"):
        Manifest((FileEntry(one, 0, SHA), FileEntry(other, 0, SHA)))


def document(**changes: object) -> dict[str, object]:
    return {"path": "a", "sha256": SHA, "size": 1} | changes


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b'{"files":1}',
        b'{"files":[1]}',
        b'{"files":[],"more":1}',
        b'{"files": []}',
        b'{"files":[]}\n',
        b'{"files":[],"files":[]}',
        json.dumps({"files": [document(size="1")]}, separators=(",", ":")).encode(),
        json.dumps({"files": [document(size=1.0)]}, separators=(",", ":")).encode(),
        json.dumps({"files": [document(size=True)]}, separators=(",", ":")).encode(),
        json.dumps({"files": [document(path="b"), document()]}, separators=(",", ":")).encode(),
        json.dumps({"files": [document(path="é")]}, separators=(",", ":")).encode(),
        json.dumps({"files": [document(blake3=SHA)]}, separators=(",", ":")).encode(),
        json.dumps({"files": [document(path="../a")]}, separators=(",", ":")).encode(),
    ],
)
def test_only_the_canonical_form_is_read(data: bytes) -> None:
    with pytest.raises(BadCheckpoint):
        Manifest.parse(data)


def test_differences_name_each_file_with_what_was_expected_and_found() -> None:
    expected = Manifest((FileEntry("changed", 1, SHA), FileEntry("gone", 2, SHA)))
    found = Manifest((FileEntry("changed", 1, OTHER), FileEntry("added", 3, OTHER)))
    shown_sha, shown_other = f"sha256 {SHA[:12]}", f"sha256 {OTHER[:12]}"

    differences = compare(expected, found)

    assert differences.summary() == [
        f"changed differs: expected {shown_sha} (1 bytes), found {shown_other} (1 bytes)",
        f"gone is missing: expected {shown_sha} (2 bytes)",
        f"added is not in the manifest: found {shown_other} (3 bytes)",
    ]


def test_a_manifest_of_digests_keeps_their_blake3() -> None:
    manifest = Manifest.of([FileDigest("a", 1, SHA, OTHER), FileDigest("b", 2, SHA, OTHER)])

    assert manifest.by_path["a"].blake3 == OTHER
    assert manifest.total_bytes == 3
