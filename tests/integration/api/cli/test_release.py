"""An operator registers a folder, checks it, and decides who may use it."""

import hashlib
import json
from pathlib import Path

import pytest

from registry.db.session import Database
from registry.residents import service as residents
from registry.residents.service import Resident
from tests.integration.api.cli.conftest import NAME, Corral, damage, store_file
from tests.support.bundles import PUBLIC, private_pem


def test_a_registered_folder_can_be_shown(corral: Corral, folder: Path) -> None:
    made = corral("release", "register", str(folder), "--name", NAME, "--license", "MIT", "--json")
    shown = corral("release", "show", NAME, "--json")

    facts = json.loads(made.stdout)
    assert facts.pop("registered") is True
    assert facts.pop("checked") == []
    assert {**facts, "verifications": []} == json.loads(shown.stdout)
    assert (facts["state"], facts["license"]) == ("registered", "MIT")
    assert {each["path"] for each in facts["files"]} == {
        "config.json",
        "model.safetensors",
        "tokenizer.model",
    }


def test_registering_the_same_bytes_again_says_so_and_changes_nothing(
    registered: Corral, folder: Path
) -> None:
    result = registered("release", "register", str(folder), "--name", NAME)

    assert result.exit_code == 0
    assert "was registered already with these bytes" in result.stdout


def test_other_bytes_under_a_taken_name_are_refused(registered: Corral, folder: Path) -> None:
    (folder / "extra.txt").write_text("more")

    result = registered("release", "register", str(folder), "--name", NAME)

    assert result.exit_code == 1
    assert "needs a name of its own" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(("name", "says"), [("Not A Name", "OWNER/NAME"), ("tiny", "OWNER/NAME")])
def test_a_name_has_an_owner(corral: Corral, folder: Path, name: str, says: str) -> None:
    result = corral("release", "register", str(folder), "--name", name)

    assert result.exit_code == 1
    assert says in result.stderr


def test_pickles_are_refused_with_advice_and_leave_nothing(corral: Corral, folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x02}q\x00.")

    result = corral("release", "register", str(folder), "--name", NAME)

    assert result.exit_code == 1
    assert "pickle" in result.stderr
    assert result.stderr.count("\n") == 1
    assert json.loads(corral("release", "list", "--json").stdout) == {"items": []}


def test_the_list_names_every_release(registered: Corral) -> None:
    table = registered("release", "list")
    [item] = json.loads(registered("release", "list", "--json").stdout)["items"]

    assert NAME in table.stdout
    assert item["digest"][:12] in table.stdout
    assert item["total_bytes"] > 0
    assert item["queues"]["bulk"] == {"held": 0, "queued": 0, "generating": 0, "scoring": 0}


def test_who_has_a_release_in_memory_is_shown(registered: Corral, tmp_path: Path) -> None:
    digest = json.loads(registered("release", "show", NAME, "--json").stdout)["digest"]
    held = Resident(digest, size_bytes=7000, is_loading=True, done_bytes=2000, total_bytes=4000)
    database = Database(f"sqlite:///{tmp_path / 'data' / 'corral.db'}")
    with database.transaction() as session:
        residents.report(session, worker="host:1", residents=[held])
    database.close()

    shown = registered("release", "show", NAME)
    [worker] = json.loads(registered("release", "show", NAME, "--json").stdout)["workers"]

    assert "host:1: loading, 2.0 kB of 4.0 kB read, 7.0 kB" in shown.stdout
    assert (worker["worker"], worker["is_loading"], worker["memory_bytes"]) == (
        "host:1",
        True,
        7000,
    )


def test_an_unknown_release_is_one_line(corral: Corral) -> None:
    result = corral("release", "show", "no/such")

    assert result.exit_code == 1
    assert "there is no release named no/such" in result.stderr


def test_untouched_files_verify(registered: Corral) -> None:
    result = registered("release", "verify", NAME)

    assert result.exit_code == 0
    assert result.stdout.startswith(f"{NAME} holds: 3 files")


def test_a_lost_file_is_named_and_the_doctor_sees_it(registered: Corral, tmp_path: Path) -> None:
    store_file(tmp_path, registered, "tokenizer.model").unlink()

    result = registered("release", "verify", NAME)
    checks = json.loads(registered("doctor", "--json").stdout)["checks"]

    assert result.exit_code == 1
    assert result.stderr.startswith("tokenizer.model is missing")
    [store] = [each for each in checks if each["name"] == "store"]
    assert store["found"] == f"1 files are lost, such as {NAME}/tokenizer.model"


def test_a_folder_is_recognised_as_its_release(registered: Corral, folder: Path) -> None:
    result = registered("release", "verify", str(folder))
    report = json.loads(registered("release", "verify", str(folder), "--json").stdout)

    assert result.exit_code == 0
    assert f"is {NAME} (registered, " in result.stdout
    assert report["releases"] == [{"name": NAME, "state": "registered"}]


def test_a_changed_folder_is_compared_with_the_release_that_it_resembles(
    registered: Corral, folder: Path
) -> None:
    damage(folder / "model.safetensors")

    result = registered("release", "verify", str(folder))

    assert result.exit_code == 1
    assert f"shares 1 of its 2 tensors with {NAME} (registered, " in result.stderr
    assert "files: model.safetensors differs" in result.stderr
    assert "different: b" in result.stderr


def test_a_folder_like_no_release_is_said_to_be_so(registered: Corral, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("nothing")

    result = registered("release", "verify", str(tmp_path / "other"))

    assert result.exit_code == 1
    assert "is unknown: it shares no weights" in result.stderr


def test_what_is_neither_release_nor_folder_is_unknown(registered: Corral) -> None:
    result = registered("release", "verify", "no/such")

    assert result.exit_code == 1
    assert "there is no release named no/such" in result.stderr


def test_an_exported_release_is_the_folder_that_was_registered(
    registered: Corral, folder: Path, tmp_path: Path
) -> None:
    result = registered("release", "export", NAME, str(tmp_path / "copy"), "--json")

    assert json.loads(result.stdout)["files"] == 3
    for file in folder.iterdir():
        assert (tmp_path / "copy" / file.name).read_bytes() == file.read_bytes()


def test_a_damaged_release_is_not_exported(registered: Corral, tmp_path: Path) -> None:
    damage(store_file(tmp_path, registered, "model.safetensors"))

    result = registered("release", "export", NAME, str(tmp_path / "copy"))

    assert result.exit_code == 1
    assert "model.safetensors is damaged in the store" in result.stderr
    assert not (tmp_path / "copy").exists()


def test_expected_checksums_that_differ_end_in_one_line_and_register_nothing(
    corral: Corral, folder: Path, tmp_path: Path
) -> None:
    listing = tmp_path / "SHA256SUMS"
    listing.write_text(f"{'0' * 64}  model.safetensors\n")

    made = corral("release", "register", str(folder), "--name", NAME, "--expect", str(listing))
    verified = corral("release", "verify", str(folder), "--expect", str(listing))

    for result in (made, verified):
        assert result.exit_code == 1
        assert len(result.stderr.splitlines()) == 1
        assert f"model.safetensors is not what SHA256SUMS lists: expected sha256 {'0' * 64}" in (
            result.stderr
        )
    assert json.loads(corral("release", "list", "--json").stdout)["items"] == []


def test_expected_checksums_that_hold_are_said_to(
    corral: Corral, folder: Path, tmp_path: Path
) -> None:
    listing = tmp_path / "list"
    sha256 = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    listing.write_text(f"{sha256} *model.safetensors\r\n")

    made = corral("release", "register", str(folder), "--name", NAME, "--expect", str(listing))
    verified = corral("release", "verify", str(folder), "--expect", str(listing), "--json")

    assert made.exit_code == verified.exit_code == 0
    assert "as list lists: 1 file, by sha256\nlist has Windows line ends" in made.stdout
    assert json.loads(verified.stdout)["holds"] is True


def test_a_signature_is_expected_with_its_key(
    registered: Corral, folder: Path, tmp_path: Path
) -> None:
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    private.write_bytes(private_pem())
    public.write_bytes(PUBLIC)
    signature = tmp_path / "model.sig"
    registered("release", "sign", NAME, "--key", str(private), "--out", str(signature))
    expect = ("--expect", str(signature))

    again = registered(
        "release", "register", str(folder), "--name", "owner/signed", *expect, "--key", str(public)
    )
    verified = registered("release", "verify", str(folder), *expect, "--key", str(public))
    without = registered("release", "verify", str(folder), *expect)
    no_folder = registered("release", "verify", NAME, *expect, "--key", str(public))
    alone = registered("release", "register", str(folder), "--name", "a/b", "--key", str(public))

    assert again.exit_code == verified.exit_code == 0
    assert "as model.sig lists: 3 files, signed with key" in again.stdout
    assert "as model.sig lists: 3 files, signed with key" in verified.stdout
    assert (without.exit_code, alone.exit_code, no_folder.exit_code) == (1, 2, 2)
    assert "give the signer's public key with --key" in without.stderr
    assert "--key checks a signature" in alone.stderr
