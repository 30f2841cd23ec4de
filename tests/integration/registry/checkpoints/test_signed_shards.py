"""Shards and BLAKE2b need the bytes, which are read once and must be those that were digested."""

import hashlib
from pathlib import Path

import pytest

from registry.checkpoints.digest import FileDigest, digest_files
from registry.checkpoints.resources import Serialization, compare, resources_of
from registry.checkpoints.signing import sign_files, verify_bundle
from registry.errors import BadCheckpoint
from tests.support import bundles

SHARDS = Serialization(shard_size=4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files of 0, 7 and 42 bytes."""
    for name, content in {"empty": b"", "a/seven": b"1234567", "many": bytes(range(42))}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


def digests_of(folder: Path) -> list[FileDigest]:
    """Digest every file in a folder."""
    return digest_files(sorted(each for each in folder.rglob("*") if each.is_file()), root=folder)


def sign(folder: Path, serialization: Serialization) -> bytes:
    """Sign a folder."""
    return sign_files(
        digests_of(folder),
        name="folder",
        key=bundles.KEY,
        serialization=serialization,
        file_of=bundles.in_folder(folder),
    )


def test_signed_shards_cover_every_byte_of_every_file_that_has_any(folder: Path) -> None:
    bundle = verify_bundle(sign(folder, SHARDS), bundles.PUBLIC)

    assert {each.name for each in bundle.resources} == {
        "a/seven:0:4",
        "a/seven:4:7",
        *(f"many:{start}:{min(start + 4, 42)}" for start in range(0, 42, 4)),
    }
    assert bundle.resources[0].digest == hashlib.sha256(b"1234").hexdigest()
    comparison = bundle.compare(digests_of(folder), file_of=bundles.in_folder(folder))
    assert comparison.holds
    assert comparison.unsigned == ("empty",)


def test_a_changed_byte_names_its_shard(folder: Path) -> None:
    bundle = verify_bundle(sign(folder, SHARDS), bundles.PUBLIC)
    (folder / "a/seven").write_bytes(b"12345_7")

    said = bundle.compare(digests_of(folder), file_of=bundles.in_folder(folder)).differences

    assert said == (
        "a/seven from byte 4 to 7 differs: expected sha256 97a6d21df7c5, found sha256 7a07ce246904",
    )


def test_a_file_of_another_size_is_not_even_read(folder: Path) -> None:
    bundle = verify_bundle(sign(folder, SHARDS), bundles.PUBLIC)
    found = [
        FileDigest(each.path, each.size + 1, each.sha256, each.blake3) if each.size else each
        for each in digests_of(folder)
    ]

    said = bundle.compare(found, file_of=bundles.nowhere).differences

    assert said == (
        "a/seven differs: expected 7 bytes, found 8",
        "many differs: expected 42 bytes, found 43",
    )


def test_a_folder_of_empty_files_has_no_shards_to_sign(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()

    with pytest.raises(BadCheckpoint, match="at least one file"):
        sign(tmp_path, SHARDS)


def test_blake2b_is_verified_although_nobody_signs_with_it_here(folder: Path) -> None:
    how = Serialization("blake2b")
    found = digests_of(folder)

    resources = resources_of(found, how, file_of=bundles.in_folder(folder))

    assert [each.digest for each in resources] == [
        hashlib.blake2b((folder / each.path).read_bytes()).hexdigest() for each in resources
    ]
    assert compare(resources, how, found, file_of=bundles.in_folder(folder)).holds


def test_a_file_that_is_swapped_between_the_readings_is_noticed(folder: Path) -> None:
    found = digests_of(folder)
    (folder / "a/seven").write_bytes(b"7654321")

    with pytest.raises(BadCheckpoint, match="changed while it was read"):
        resources_of(found, SHARDS, file_of=bundles.in_folder(folder))


def test_a_file_that_has_gone_is_named(folder: Path) -> None:
    found = digests_of(folder)
    (folder / "many").unlink()

    with pytest.raises(BadCheckpoint, match="many cannot be read"):
        resources_of(found, SHARDS, file_of=bundles.in_folder(folder))
