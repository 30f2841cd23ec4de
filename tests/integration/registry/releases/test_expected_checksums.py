"""What is registered has the checksums that somebody published, or is not registered."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.checkpoints import keys
from registry.checkpoints.digest import digest_files
from registry.checkpoints.expectations import read_expected
from registry.checkpoints.resources import Serialization
from registry.checkpoints.signing import sign_files
from registry.db.session import Database
from registry.errors import BadBundle, BadChecklist, BadCheckpoint, ChecksumMismatch
from registry.ledger import queries as ledger
from registry.releases.intake import all_releases, check_folder, register_folder
from registry.releases.store import Store
from tests.support.bundles import KEY, OTHER_PUBLIC, PUBLIC, in_folder
from tests.support.checkpoints import LLAMA, make_checkpoint, safetensors_bytes

WEIGHTS = "model.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small, right checkpoint."""
    return make_checkpoint(tmp_path / "tiny")


@pytest.fixture
def register(database: Database, tmp_path: Path) -> Callable[..., list[str]]:
    """Register a folder with the lists in some files; return what was said."""

    def run(folder: Path, *lists: Path) -> list[str]:
        said: list[str] = []
        register_folder(
            database,
            Store(tmp_path / "store"),
            folder=folder,
            name="owner/tiny",
            license="",
            source="",
            actor="operator",
            progress=None,
            expected=[read_expected(file, key=PUBLIC) for file in lists],
            say=said.append,
        )
        return said

    return run


def write_list(
    file: Path, folder: Path, *, algorithm: str = "sha256", before: str = "", end: str = "\n"
) -> Path:
    """List all files of a folder, as ``md5sum`` or ``sha256sum`` would."""
    rows = [
        f"{hashlib.new(algorithm, each.read_bytes()).hexdigest()}  {before}{each.name}{end}"
        for each in sorted(folder.iterdir())
    ]
    file.write_bytes("".join(rows).encode())
    return file


def nothing_is_kept(database: Database, tmp_path: Path) -> bool:
    with database.reading() as session:
        rows = list(all_releases(session))
    kept = [each for each in (tmp_path / "store").rglob("*") if each.is_file()]
    return not rows and [each.name for each in kept] in ([], ["lock"])


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_folder_that_is_as_listed_is_registered_and_that_is_said(
    register: Callable[..., list[str]], folder: Path, tmp_path: Path, algorithm: str
) -> None:
    listing = write_list(tmp_path / "list", folder, algorithm=algorithm)

    said = register(folder, listing)

    assert said == [f"as list lists: 3 files, by {algorithm}"]


def test_the_ledger_keeps_what_the_files_were_checked_against(
    register: Callable[..., list[str]], folder: Path, database: Database
) -> None:
    write_list(folder / "SHA256SUMS", folder)

    said = register(folder)

    with database.reading() as session:
        [entry] = ledger.entries(session, subject="owner/tiny", limit=2, cursor=None).rows
    assert json.loads(entry.facts)["checked"] == said == ["as SHA256SUMS lists: 3 files, by sha256"]


def test_a_byte_that_differs_leaves_neither_row_nor_object(
    register: Callable[..., list[str]], folder: Path, database: Database, tmp_path: Path
) -> None:
    listing = write_list(tmp_path / "list", folder)
    expected = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    (folder / WEIGHTS).write_bytes(safetensors_bytes({"a": [1, 2], "b": [4]}))
    found = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()

    with pytest.raises(ChecksumMismatch, match=f"{WEIGHTS}.*{expected}, found {found}"):
        register(folder, listing)

    assert nothing_is_kept(database, tmp_path)


def test_a_list_in_the_folder_is_followed_without_being_asked_for(
    register: Callable[..., list[str]], folder: Path, database: Database, tmp_path: Path
) -> None:
    write_list(folder / "SHA256SUMS", folder)
    (folder / "tokenizer.model").write_bytes(b"\x0a\x07other!")

    with pytest.raises(ChecksumMismatch, match=r"tokenizer\.model is not what SHA256SUMS lists"):
        register(folder)

    assert nothing_is_kept(database, tmp_path)


def test_a_list_with_windows_line_ends_is_followed_and_that_is_said(
    register: Callable[..., list[str]], folder: Path
) -> None:
    write_list(folder / "checklist.chk", folder, algorithm="md5", end="\r\n")

    said = register(folder)

    assert said[0] == "as checklist.chk lists: 3 files, by md5"
    assert "Windows line ends" in said[1]


def test_a_list_in_the_folder_that_is_none_is_refused(
    register: Callable[..., list[str]], folder: Path
) -> None:
    (folder / "checklist.chk").write_text("404: Not Found\n")

    with pytest.raises(BadChecklist, match=r"checklist\.chk has no line of a checksum"):
        register(folder)


def test_a_file_that_the_folders_own_list_has_and_the_folder_has_not_is_missing(
    register: Callable[..., list[str]], folder: Path
) -> None:
    (folder / "generation_config.json").write_text("{}")
    write_list(folder / "SHA256SUMS", folder)
    (folder / "generation_config.json").unlink()

    with pytest.raises(BadCheckpoint, match=r"generation_config\.json is missing, which SHA256S"):
        register(folder)


def test_a_list_of_many_checkpoints_is_followed_for_this_one(
    register: Callable[..., list[str]], folder: Path, tmp_path: Path
) -> None:
    listing = write_list(tmp_path / "list", folder, before="models/tiny/")
    with listing.open("a") as more:
        more.write(f"{'0' * 64}  models/large/config.json\n")

    said = register(folder, listing)

    assert said == ["as list lists: 3 files, by sha256"]


def test_lists_that_leave_the_weights_out_are_refused_before_anything_is_read(
    register: Callable[..., list[str]], folder: Path, tmp_path: Path
) -> None:
    listing = tmp_path / "list"
    digest = hashlib.sha256((folder / "config.json").read_bytes()).hexdigest()
    listing.write_text(f"{digest}  config.json\n")

    with pytest.raises(BadChecklist, match=f"{WEIGHTS} is in none of the lists"):
        register(folder, listing)

    assert not (tmp_path / "store").exists()


def test_a_folder_is_checked_against_a_list_without_being_registered(
    folder: Path, tmp_path: Path
) -> None:
    listing = read_expected(write_list(tmp_path / "list", folder, algorithm="md5"))

    assert check_folder(folder, [listing], progress=None) == ["as list lists: 3 files, by md5"]

    (folder / "config.json").write_text("{}")
    with pytest.raises(ChecksumMismatch, match=r"config\.json is not what list lists"):
        check_folder(folder, [listing], progress=None)


def sign(file: Path, folder: Path) -> Path:
    """Sign the files of a folder."""
    digests = digest_files(sorted(folder.iterdir()), root=folder)
    data = sign_files(
        digests, name="tiny", key=KEY, serialization=Serialization(), file_of=in_folder(folder)
    )
    file.write_bytes(data)
    return file


def test_a_folder_that_is_as_signed_is_registered_wherever_the_signature_lies(
    register: Callable[..., list[str]], folder: Path
) -> None:
    signature = sign(folder / "model.sig", folder)

    said = register(folder, signature)

    assert said == [
        f"as model.sig lists: 3 files, signed with key {keys.hint_of(KEY.public_key())[:12]}"
    ]


def test_a_byte_that_was_not_signed_leaves_neither_row_nor_object(
    register: Callable[..., list[str]], folder: Path, database: Database, tmp_path: Path
) -> None:
    signature = sign(tmp_path / "model.sig", folder)
    (folder / "config.json").write_text(json.dumps(LLAMA | {"rope_theta": 5.0}))
    (folder / "more.txt").write_text("nobody signed this")

    with pytest.raises(
        ChecksumMismatch,
        match=r"config\.json differs: expected sha256 .*, found sha256 .*, and 1 more: not as mod",
    ):
        register(folder, signature)

    assert nothing_is_kept(database, tmp_path)


def test_a_signature_without_its_key_or_with_another_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    signature = sign(tmp_path / "model.sig", folder)

    with pytest.raises(BadChecklist, match=r"model\.sig is a signature.*--key"):
        read_expected(signature)
    with pytest.raises(BadBundle, match=r"key '[0-9a-f]+' signed this bundle"):
        read_expected(signature, key=OTHER_PUBLIC)


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadChecklist, match=r"gone cannot be read: No such file"):
        read_expected(tmp_path / "gone")
