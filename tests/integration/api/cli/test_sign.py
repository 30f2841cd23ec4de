"""An operator signs a release; whoever has a copy checks it, offline."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from registry.checkpoints.keys import hint_of
from tests.integration.api.cli.conftest import Corral
from tests.support import bundles
from tests.support.checkpoints import make_checkpoint

NAME = "owner/tiny"
HINT = hint_of(bundles.KEY.public_key())
SIGN = ("release", "sign", NAME, "--key", "key.pem", "--out", "model.sig")
CHECK = ("--signature", "model.sig", "--key", "key.pub")


@pytest.fixture
def registered(corral: Corral, tmp_path: Path) -> Corral:
    """Records with one registered release, and keys beside them."""
    folder = make_checkpoint(tmp_path / "tiny")
    assert corral("release", "register", str(folder), "--name", NAME).exit_code == 0
    (tmp_path / "key.pem").write_bytes(bundles.private_pem())
    (tmp_path / "key.pub").write_bytes(bundles.PUBLIC)
    return corral


def test_a_signed_release_is_verified_as_an_exported_folder_and_in_the_store(
    registered: Corral, tmp_path: Path
) -> None:
    signed = registered(*SIGN)
    registered("release", "export", NAME, "copy")
    folder = registered("release", "verify", "copy", *CHECK)
    stored = registered("release", "verify", NAME, *CHECK)

    assert signed.exit_code == 0, signed.output
    assert f"with key {HINT[:12]}" in signed.stdout
    assert "model_signing verify key tiny --signature model.sig" in signed.stdout
    assert "copy holds: 3 files" in folder.stdout, folder.output
    assert f"{NAME} holds: 3 files" in stored.stdout, stored.output
    assert (
        bundles.statement_of((tmp_path / "model.sig").read_bytes())["subject"][0]["name"] == "tiny"
    )


def test_a_folder_is_verified_where_there_are_no_records(
    registered: Corral, tmp_path: Path
) -> None:
    registered(*SIGN)
    (tmp_path / "data" / "corral.db").unlink()

    result = registered("release", "verify", "tiny", *CHECK, "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "subject": "tiny",
        "holds": True,
        "key": HINT,
        "files": 3,
        "differences": [],
        "unsigned": [],
    }


def test_a_changed_a_missing_and_an_added_file_are_named(
    registered: Corral, tmp_path: Path
) -> None:
    registered(*SIGN)
    (tmp_path / "tiny" / "config.json").write_text("{}")
    (tmp_path / "tiny" / "tokenizer.model").unlink()
    (tmp_path / "tiny" / ".hidden").write_text("more")
    (tmp_path / "tiny" / ".gitignore").write_text("*")

    result = registered("release", "verify", "tiny", *CHECK)

    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[0] == ".gitignore was not signed, by the signer's choice"
    assert lines[1].startswith("config.json differs: expected sha256 ")
    assert lines[2].startswith("tokenizer.model is missing: expected sha256 ")
    assert lines[3].startswith(".hidden is not signed: found sha256 ")
    assert lines[4] == f"Error: tiny is not what was signed with key {HINT[:12]}"


def test_a_damaged_store_does_not_hold_although_the_signature_does(
    registered: Corral, tmp_path: Path
) -> None:
    registered(*SIGN)
    for stored in (tmp_path / "data" / "store" / "sha256").rglob("*"):
        if stored.is_file():
            stored.chmod(0o600)
            stored.write_bytes(b"x" * stored.stat().st_size)

    result = registered("release", "verify", NAME, *CHECK)

    assert result.exit_code == 1
    assert "config.json differs" in result.stderr


def test_a_link_is_no_signed_file(registered: Corral, tmp_path: Path) -> None:
    registered(*SIGN)
    (tmp_path / "tiny" / "config.json").rename(tmp_path / "elsewhere")
    (tmp_path / "tiny" / "config.json").symlink_to(tmp_path / "elsewhere")

    result = registered("release", "verify", "tiny", *CHECK)

    assert result.exit_code == 1
    assert "config.json is a link, and none was signed" in result.stderr


def test_the_bundle_may_be_in_the_folder_that_it_is_about(
    registered: Corral, tmp_path: Path
) -> None:
    registered(*SIGN)
    (tmp_path / "model.sig").rename(tmp_path / "tiny" / "model.sig")

    result = registered(
        "release", "verify", "tiny", "--signature", "tiny/model.sig", "--key", "key.pub"
    )

    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("options", [("--hash", "blake3"), ("--shard-size", "16")])
def test_other_serializations_are_verified_too(
    registered: Corral, options: tuple[str, ...]
) -> None:
    signed = registered(*SIGN, *options)

    assert signed.exit_code == 0, signed.output
    assert "model_signing verify" not in signed.stdout
    assert (
        json.loads(registered("release", "show", NAME, "--json").stdout)["verify_command"] is None
    )
    for subject in ("tiny", NAME):
        result = registered("release", "verify", subject, *CHECK)
        assert result.exit_code == 0, result.output


def test_the_ledger_and_the_release_say_which_key_signed(registered: Corral) -> None:
    before = json.loads(registered("release", "show", NAME, "--json").stdout)
    registered(*SIGN)
    shown = json.loads(registered("release", "show", NAME, "--json").stdout)
    registered("audit", "export", "ledger.jsonl")
    lines = Path("ledger.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line)["entry"] for line in lines]

    assert (before["signatures"], before["verify_command"]) == ([], None)
    assert [each["key"] for each in shown["signatures"]] == [HINT]
    assert shown["verify_command"] == (
        "model_signing verify key tiny --signature model.sig --public_key key.pub"
    )
    assert shown["verify_command"] in registered("release", "show", NAME).stdout
    [entry] = [each for each in entries if each["action"] == "release.signed"]
    assert entry["facts"] == {"digest": shown["digest"], "key": HINT, "hash_type": "sha256"}


def test_an_encrypted_key_needs_its_passphrase(
    registered: Corral, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key.pem").write_bytes(bundles.private_pem("open sesame"))

    asked = registered(*SIGN)
    monkeypatch.setenv("CORRAL_KEY_PASSPHRASE", "wrong")
    wrong = registered(*SIGN)
    monkeypatch.setenv("CORRAL_KEY_PASSPHRASE", "open sesame")
    right = registered(*SIGN)

    assert asked.exit_code == 1
    assert "set CORRAL_KEY_PASSPHRASE" in asked.stderr
    assert wrong.exit_code == 1
    assert "the passphrase is not this key's" in wrong.stderr
    assert right.exit_code == 0, right.output


def test_the_key_is_never_overwritten_nor_copied(registered: Corral, tmp_path: Path) -> None:
    over = registered("release", "sign", NAME, "--key", "key.pem", "--out", "key.pem")
    registered(*SIGN)

    assert over.exit_code == 2
    assert "would overwrite the key" in over.stderr
    secret = bundles.private_pem().splitlines()[1]
    holders = [
        each for each in tmp_path.rglob("*") if each.is_file() and secret in each.read_bytes()
    ]
    assert holders == [tmp_path / "key.pem"]


def test_a_release_whose_bytes_are_in_doubt_is_not_signed(
    registered: Corral, tmp_path: Path
) -> None:
    registered("release", "quarantine", NAME, "--reason", "another digest")

    result = registered(*SIGN)

    assert result.exit_code == 1
    assert "is quarantined" in result.stderr
    assert not (tmp_path / "model.sig").exists()


def test_a_bundle_that_cannot_be_written_is_not_in_the_ledger(registered: Corral) -> None:
    registered("release", "sign", NAME, "--key", "key.pem", "--out", "no/where.sig")

    shown = json.loads(registered("release", "show", NAME, "--json").stdout)

    assert shown["signatures"] == []


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("release", "verify", "tiny", "--signature", "model.sig"), 2, "go together"),
        (
            ("release", "verify", "tiny", "--signature", "key.pub", "--key", "key.pub"),
            1,
            "no bundle",
        ),
        (
            ("release", "verify", "tiny", "--signature", "model.sig", "--key", "key.pem"),
            1,
            "keep it",
        ),
        (("release", "verify", "no/such", *CHECK), 1, "no release named"),
        (
            ("release", "sign", "no/such", "--key", "key.pem", "--out", "x.sig"),
            1,
            "no release named",
        ),
        (("release", "sign", NAME, "--key", "key.pub", "--out", "x.sig"), 1, "no private key"),
        (
            ("release", "sign", NAME, "--key", "key.pem", "--out", "no/where.sig"),
            1,
            "make the folder",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    registered: Corral, words: tuple[str, ...], status: int, says: str
) -> None:
    registered(*SIGN)

    result = registered(*words)

    assert result.exit_code == status, result.output
    assert says in result.stderr
    if status == 1:
        assert result.stderr.count("\n") == 1


def test_keys_that_openssl_makes_sign(registered: Corral, tmp_path: Path) -> None:
    make = "openssl ecparam -name secp521r1 -genkey -noout -out key.pem"
    subprocess.run(make.split(), cwd=tmp_path, check=True, capture_output=True)
    publish = "openssl ec -in key.pem -pubout -out key.pub"
    subprocess.run(publish.split(), cwd=tmp_path, check=True, capture_output=True)

    signed = registered(*SIGN)
    result = registered("release", "verify", "tiny", *CHECK)

    assert signed.exit_code == 0, signed.output
    assert result.exit_code == 0, result.output


def test_the_page_verifies_with_openssl_and_sha256sum(registered: Corral, tmp_path: Path) -> None:
    page = (Path(__file__).parents[4] / "docs/signing.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n# (?:openssl|sha256sum)\n(.*?)```", page, re.DOTALL)
    script = "set -eo pipefail\n" + "".join(blocks)
    registered(*SIGN)
    registered("release", "export", NAME, "llama-7b")

    def check() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    whole = check()
    (tmp_path / "llama-7b" / ".more").touch()
    more = check()
    (tmp_path / "llama-7b" / "config.json").write_text("{}")
    changed = check()

    assert len(blocks) == 2
    assert (whole.returncode, whole.stdout) == (0, "Verified OK\n"), whole.stderr
    assert more.returncode == 1
    assert ".more" in more.stdout
    assert changed.returncode == 1
    assert "config.json: FAILED" in changed.stdout
