"""The ledger, checked by us and by an outsider who has nothing but the exported files."""

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.cli.conftest import Corral


@pytest.fixture
def kept(corral: Corral) -> Corral:
    """Records in which something happened."""
    for handle in ("ada", "rae", "ron"):
        corral("account", "add", handle, "--role", "researcher")
    return corral


def _root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, as it is written there."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _root(leaves[:split]) + _root(leaves[split:])).digest()


def _canonical(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _tamper(tmp_path: Path) -> None:
    """Do what the triggers refuse, as somebody with the file can."""
    with sqlite3.connect(tmp_path / "data" / "corral.db") as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE ledger_entries SET subject = 'eve' WHERE subject = 'rae'")
    connection.close()


def test_an_outsider_recomputes_the_root_from_the_export(kept: Corral, tmp_path: Path) -> None:
    answer = json.loads(kept("audit", "export", str(tmp_path / "ledger.jsonl"), "--json").stdout)

    lines = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_bytes().splitlines()]
    leaves = [hashlib.sha256(b"\x00" + _canonical(line["entry"])).digest() for line in lines]
    assert [line["index"] for line in lines] == [0, 1, 2]
    assert [line["leaf_hash"] for line in lines] == [leaf.hex() for leaf in leaves]
    assert [line["entry"]["subject"] for line in lines] == ["ada", "rae", "ron"]
    assert answer["root"] == _root(leaves).hex()
    assert (tmp_path / "ledger.jsonl.checkpoint").read_text().splitlines()[1] == "3"


def test_an_untouched_ledger_holds(kept: Corral, tmp_path: Path) -> None:
    kept("audit", "export", str(tmp_path / "ledger.jsonl"))

    result = kept("audit", "verify", "--json")

    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (report["holds"], report["size"], report["problems"]) == (True, 3, [])


def test_the_ledger_has_grown_from_a_checkpoint_that_was_kept(kept: Corral, tmp_path: Path) -> None:
    kept("audit", "export", str(tmp_path / "first.jsonl"))
    kept("account", "add", "late", "--role", "auditor")
    kept("audit", "export", str(tmp_path / "second.jsonl"))

    result = kept("audit", "verify", "--checkpoint", str(tmp_path / "first.jsonl.checkpoint"))

    assert result.exit_code == 0
    assert result.stdout.startswith("the ledger holds: 4 entries")


def test_an_altered_entry_is_found_and_named(kept: Corral, tmp_path: Path) -> None:
    kept("audit", "export", str(tmp_path / "ledger.jsonl"))
    _tamper(tmp_path)

    result = kept("audit", "verify")

    assert result.exit_code == 1
    assert "at index 1 was altered" in result.stderr


def test_an_altered_ledger_is_not_exported_as_if_it_held(kept: Corral, tmp_path: Path) -> None:
    kept("audit", "export", str(tmp_path / "first.jsonl"))
    _tamper(tmp_path)

    result = kept("audit", "export", str(tmp_path / "second.jsonl"))

    assert result.exit_code == 1
    assert "corral audit verify" in result.stderr
    assert not (tmp_path / "second.jsonl").exists()
    assert not (tmp_path / "second.jsonl.checkpoint").exists()


def test_a_checkpoint_that_was_altered_is_refused(kept: Corral, tmp_path: Path) -> None:
    kept("audit", "export", str(tmp_path / "ledger.jsonl"))
    note = tmp_path / "ledger.jsonl.checkpoint"
    note.write_text(note.read_text().replace("\n3\n", "\n2\n"))

    result = kept("audit", "verify", "--checkpoint", str(note))

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1


def test_a_file_that_cannot_be_written_is_one_line(kept: Corral, tmp_path: Path) -> None:
    result = kept("audit", "export", str(tmp_path / "no" / "such" / "ledger.jsonl"))

    assert result.exit_code == 1
    assert "No such file or directory" in result.stderr
    assert result.stderr.count("\n") == 1
