"""An operator registers Meta's shards and sees what became of them."""

import json
from pathlib import Path

import pytest

from tests.integration.api.cli.conftest import Corral
from tests.support.meta import MetaLlama, write_meta

NAME = "meta/tiny"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small LLaMA in Meta's layout."""
    return write_meta(tmp_path / "meta", MetaLlama(shards=2))


def test_registering_and_showing_say_what_the_release_was_made_of(
    corral: Corral, folder: Path
) -> None:
    made = corral("release", "register", str(folder), "--name", NAME)
    shown = corral("release", "show", NAME)
    facts = json.loads(corral("release", "show", NAME, "--json").stdout)

    derivation = facts["derivation"]
    evidence = derivation["evidence_digest"]
    assert f"converted from 5 originals kept as {evidence[:12]}" in made.stdout
    assert "5 originals, layout meta" in shown.stdout
    assert evidence in shown.stdout
    assert derivation["digest"] in shown.stdout
    assert {each["path"] for each in derivation["inputs"]} == {
        file.name for file in folder.iterdir()
    }
    assert derivation["outputs"] == facts["files"]


def test_an_export_has_the_safetensors_and_on_demand_the_originals(
    corral: Corral, folder: Path, tmp_path: Path
) -> None:
    corral("release", "register", str(folder), "--name", NAME)

    served = corral("release", "export", NAME, str(tmp_path / "served"))
    originals = corral("release", "export", NAME, str(tmp_path / "originals"), "--evidence")

    assert (served.exit_code, originals.exit_code) == (0, 0)
    assert not list((tmp_path / "served").glob("*.pth"))
    assert {file.name: file.read_bytes() for file in (tmp_path / "originals").iterdir()} == {
        file.name: file.read_bytes() for file in folder.iterdir()
    }


def test_a_release_that_was_not_converted_has_no_evidence_to_export(
    corral: Corral, folder: Path, tmp_path: Path
) -> None:
    corral("release", "register", str(folder), "--name", NAME)
    corral("release", "export", NAME, str(tmp_path / "served"))
    corral("release", "register", str(tmp_path / "served"), "--name", "meta/plain")

    result = corral("release", "export", "meta/plain", str(tmp_path / "none"), "--evidence")

    assert result.exit_code == 1
    assert "was not converted" in result.stderr
    assert not (tmp_path / "none").exists()
