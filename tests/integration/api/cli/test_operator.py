"""An operator sets a machine up: schema, people, policy, health."""

import json
from pathlib import Path

import pytest

from tests.integration.api.cli.conftest import Corral


def test_without_records_a_command_says_how_to_make_them(bare: Corral, tmp_path: Path) -> None:
    result = bare("release", "list")

    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: there are no records at {tmp_path}/data/corral.db: run corral db upgrade\n"
    )
    assert not (tmp_path / "data").exists()


def test_an_old_schema_is_refused_with_advice(bare: Corral, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "corral.db").touch()

    result = bare("account", "add", "ada", "--role", "researcher")

    assert result.exit_code == 1
    assert result.stderr.endswith("run corral db upgrade\n")


def test_a_database_that_does_not_answer_is_one_line_without_its_password(
    bare: Corral, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORRAL_DATABASE_URL", "postgresql+psycopg://ada:hidden@127.0.0.1:1/corral")

    result = bare("release", "list")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: the database at 127.0.0.1 does not answer: ")
    assert result.stderr.count("\n") == 1
    assert "hidden" not in result.stderr


def test_a_wrong_setting_is_one_line_that_names_it(
    bare: Corral, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORRAL_PORT", "many")

    result = bare("release", "list")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: CORRAL_PORT: ")
    assert result.stderr.count("\n") == 1


def test_upgrading_makes_the_records_once(bare: Corral) -> None:
    first, second = bare("db", "upgrade", "--json"), bare("db", "upgrade", "--json")

    assert json.loads(first.stdout) == {"upgraded": True}
    assert json.loads(second.stdout) == {"upgraded": False}


def test_the_data_directory_of_the_command_line_wins(bare: Corral, tmp_path: Path) -> None:
    result = bare("--data-dir", str(tmp_path / "other"), "db", "upgrade")

    assert result.exit_code == 0
    assert (tmp_path / "other" / "corral.db").is_file()


def test_an_account_is_added_once(corral: Corral) -> None:
    first = corral("account", "add", "ada", "--role", "reviewer", "--role", "auditor", "--json")
    second = corral("account", "add", "ada", "--role", "reviewer")

    added = json.loads(first.stdout)
    assert (added["handle"], added["roles"]) == ("ada", ["auditor", "reviewer"])
    assert second.exit_code == 1
    assert second.stderr == "Error: there is an account ada already\n"


def test_a_token_is_alone_on_standard_output(corral: Corral) -> None:
    corral("account", "add", "ada", "--role", "researcher")

    result = corral("token", "issue", "ada", "--days", "7")

    assert result.stdout.startswith("corral_")
    assert result.stdout.count("\n") == 1
    assert "good for 7 days" in result.stderr


def test_a_token_is_revoked_by_its_beginning_and_only_once(corral: Corral) -> None:
    corral("account", "add", "ada", "--role", "researcher")
    secret = json.loads(corral("token", "issue", "ada", "--json").stdout)["token"]

    first = corral("token", "revoke", secret[:13], "--json")
    second = corral("token", "revoke", secret[:13])

    assert json.loads(first.stdout) == {"prefix": secret[:13], "revoked": 1}
    assert second.exit_code == 1
    assert second.stderr == f"Error: no live token begins with {secret[:13]}\n"


def test_a_token_for_nobody_says_how_to_add_the_account(corral: Corral) -> None:
    result = corral("token", "issue", "nobody")

    assert result.exit_code == 1
    assert "corral account add nobody" in result.stderr


def test_without_a_policy_there_is_advice(corral: Corral) -> None:
    result = corral("policy", "show")

    assert result.exit_code == 1
    assert "corral policy adopt FILE" in result.stderr


def test_the_policy_that_ships_can_be_written_to_a_file(bare: Corral) -> None:
    toml = bare("policy", "show", "--default")
    facts = json.loads(bare("policy", "show", "--default", "--json").stdout)

    assert "[rules." in toml.stdout
    assert facts["digest"] in toml.stderr
    assert set(facts) == {
        "name",
        "digest",
        "time_limit_seconds",
        "second_reviews",
        "prompts",
        "rules",
        "actions",
        "severities",
    }


def test_the_doctor_finds_what_a_fresh_machine_lacks(bare: Corral, tmp_path: Path) -> None:
    result = bare("doctor", "--json")

    checks = {each["name"]: each for each in json.loads(result.stdout)["checks"]}
    assert result.exit_code == 1
    assert checks["python"]["ok"]
    assert checks["disk"]["ok"]
    assert not checks["database"]["ok"]
    assert "corral db upgrade" in checks["database"]["found"]
    assert not (tmp_path / "data").exists()


def test_the_doctor_says_what_is_still_to_be_done(corral: Corral) -> None:
    result = corral("doctor")

    assert result.exit_code == 1
    assert "corral policy adopt FILE" in result.stdout
    assert "corral release register" in result.stdout


def test_the_doctor_notices_a_broker_that_is_down(
    corral: Corral, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORRAL_BROKER_URL", "redis://127.0.0.1:1/0")

    result = corral("doctor", "--json")

    checks = {each["name"]: each for each in json.loads(result.stdout)["checks"]}
    assert checks["broker"]["found"] == "redis at 127.0.0.1 does not answer"


def test_the_doctor_notices_a_key_that_others_can_read(corral: Corral, tmp_path: Path) -> None:
    key = tmp_path / "data" / "keys" / "ledger.pem"
    key.parent.mkdir()
    key.touch(mode=0o644)

    result = corral("doctor", "--json")

    checks = {each["name"]: each for each in json.loads(result.stdout)["checks"]}
    assert checks["keys"]["advice"] == f"chmod 600 {key}"
