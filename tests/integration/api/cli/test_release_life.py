"""An operator verifies, publishes and withdraws, and two people lift a quarantine."""

import json
from pathlib import Path

import pytest

from tests.integration.api.cli.conftest import NAME, Corral, damage, store_file


def test_states_move_as_the_operator_says(registered: Corral) -> None:
    states = [
        json.loads(registered("release", *words, "--json").stdout)["state"]
        for words in (
            ("publish", NAME),
            ("quarantine", NAME, "--reason", "doubt"),
            ("withdraw", NAME, "--reason", "over"),
        )
    ]

    assert states == ["published", "quarantined", "withdrawn"]


def test_a_release_is_registered_and_published_with_two_commands(registered: Corral) -> None:
    published = registered("release", "publish", NAME)
    shown = json.loads(registered("release", "show", NAME, "--json").stdout)

    assert published.stdout == f"{NAME} is published\n"
    [verification] = shown["verifications"]
    assert shown["last_verified"] == verification
    assert (verification["holds"], verification["files"]) == (True, 3)
    assert verification["bytes_read"] == shown["total_bytes"]


def test_a_damaged_release_is_quarantined_instead_of_published(
    registered: Corral, tmp_path: Path
) -> None:
    damage(store_file(tmp_path, registered, "model.safetensors"))

    result = registered("release", "publish", NAME)

    assert result.exit_code == 1
    assert result.stderr.startswith("model.safetensors differs: expected sha256 ")
    [item] = json.loads(registered("release", "list", "--json").stdout)["items"]
    assert (item["state"], item["last_verified"]["holds"]) == ("quarantined", False)
    assert "DOES NOT HOLD" in registered("release", "list").stdout


def test_one_operator_lifts_a_quarantine_with_a_second_account(
    registered: Corral, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered("release", "publish", NAME)
    registered("release", "quarantine", NAME, "--reason", "doubt")
    registered("account", "add", "rae", "--role", "reviewer")
    token = json.loads(registered("token", "issue", "rae", "--json").stdout)["token"]
    words = ("release", "lift", NAME, "--reason", "it is sound")

    alone = registered(*words)
    monkeypatch.setenv("CORRAL_TOKEN", token)
    too_soon = registered(*words)
    registered("release", "verify", NAME)
    lifted = registered(*words)

    assert (alone.exit_code, too_soon.exit_code) == (1, 1)
    assert "a second person" in alone.stderr
    assert f"corral release verify {NAME}" in too_soon.stderr
    assert lifted.stdout == f"{NAME} is published\n"


def test_files_that_no_release_refers_to_go_after_a_while(
    registered: Corral, tmp_path: Path
) -> None:
    left = tmp_path / "data" / "store" / "sha256" / "ab" / ("ab" * 32)
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"left behind")

    noticed = registered("release", "collect")
    tried = json.loads(
        registered("release", "collect", "--after-days", "0", "--dry-run", "--json").stdout
    )
    gone = registered("release", "collect", "--after-days", "0")

    assert noticed.stdout.startswith("0 files removed, 0 bytes; 1 wait")
    assert (tried["removed"], tried["freed_bytes"]) == ([left.name], 11)
    assert gone.stdout.startswith("1 files removed, 11 bytes")
    assert not left.exists()
    assert registered("release", "verify", NAME).exit_code == 0


def test_what_was_withdrawn_stays_so(registered: Corral) -> None:
    registered("release", "withdraw", NAME, "--reason", "over")

    result = registered("release", "publish", NAME)

    assert result.exit_code == 1
    assert result.stderr == f"Error: {NAME} is withdrawn and cannot become published\n"


def test_one_changed_byte_in_the_store_is_found_and_named(
    registered: Corral, tmp_path: Path
) -> None:
    damage(store_file(tmp_path, registered, "model.safetensors"))

    result = registered("release", "verify", NAME)
    report = json.loads(registered("release", "verify", NAME, "--json").stdout)

    assert result.exit_code == 1
    assert result.stderr.startswith("model.safetensors differs: expected sha256 ")
    assert "tensors that differ: b\n" in result.stderr
    assert f"{NAME} does not hold and is quarantined" in result.stderr
    assert (report["holds"], report["different"]) == (False, ["model.safetensors"])
    assert report["tensors"] == ["b"]


def test_damage_outside_the_weights_is_said_to_be_that(registered: Corral, tmp_path: Path) -> None:
    damage(store_file(tmp_path, registered, "tokenizer.model"))

    result = registered("release", "verify", NAME)

    assert "tensors that differ: none; the difference is outside the weights" in result.stderr


def test_tensors_of_a_file_that_is_gone_are_not_guessed(registered: Corral, tmp_path: Path) -> None:
    store_file(tmp_path, registered, "model.safetensors").unlink()

    result = registered("release", "verify", NAME)

    assert "which tensors differ cannot be told" in result.stderr
