"""``corral filter evaluate --all`` with the filters that ship, on a small folder of data sets."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from filters.catalog import WEIGHTS, load_filters
from tests.integration.api.cli.conftest import Corral
from tests.support import measuring

LOAD_ONCE = cache(load_filters)
STORY = "The rabbit found a carrot and shared it. Everybody was happy. Then the sun went down."


@pytest.fixture(autouse=True)
def _loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the real filters for the first test only, to save seconds in each of the others."""
    monkeypatch.setattr("api.cli.filter.load_filters", LOAD_ONCE)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of data sets with a few rows each."""
    folder = tmp_path / "data"
    for name, rows in measuring.rows().items():
        lines = ({"text": each.text, "labels": each.labels, **each.facts} for each in rows)
        _write(folder / "test" / f"{name}.jsonl.gz", "\n".join(map(json.dumps, lines)))
    for source in ("openstax", "shakespeare", "tinystories"):
        _write(folder / "text" / f"{source}.txt.gz", "\n\n".join([STORY] * 40))
    return folder


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()))


def _bytes(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_page_its_pictures_and_its_record_are_written_the_same_each_time(
    bare: Corral, data: Path, tmp_path: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"

    for folder in (one, two):
        result = bare(
            *("filter", "evaluate", "--all", str(data)), *("--write", str(folder), "--limit", "4")
        )
        assert result.exit_code == 0, result.output

    written = _bytes(one)
    assert written == _bytes(two)
    assert sorted(written) == [
        "filters.md",
        "filters/calibration.svg",
        "filters/figures.json",
        "filters/hatecheck-functionality.svg",
        "filters/hatecheck-target.svg",
        "filters/identity-terms.svg",
        "filters/misuse-kinds.svg",
        "filters/precision-recall.svg",
        "filters/roc.svg",
    ]
    page = written["filters.md"].decode()
    assert "`corral filter evaluate --all DATA --write docs --limit 4`" in page
    assert str(tmp_path) not in page
    assert "carrot" not in page
    assert all(f"]({name})" in page for name in written if name != "filters.md")


def test_programs_get_every_figure_in_one_object(bare: Corral, data: Path) -> None:
    result = bare("filter", "evaluate", "--all", str(data), "--json")

    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    assert {"labels", "terms", "kinds", "spans", "clean", "goals", "digests"} <= set(found)
    assert found["limit"] is None
    assert {each["name"] for each in found["filters"]} >= {"toxicity", "misuse", "secrets"}


def test_people_get_the_tables(bare: Corral, data: Path) -> None:
    result = bare("filter", "evaluate", "--all", str(data), "--limit", "2")

    assert "Targets: " in result.stdout
    assert "toxicity/jigsaw_wikipedia" in result.stdout
    assert "Harmless text: " in result.stdout


def test_a_candidate_under_another_policy_is_measured_against_an_earlier_record(
    bare: Corral, data: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    source = bare("policy", "show", "--default").stdout
    policy.write_text(source.replace('name = "default"', 'name = "strict"'))
    whole = ("--all", str(data), "--limit", "2")
    bare("filter", "evaluate", *whole, "--write", str(tmp_path / "docs"))
    earlier = str(tmp_path / "docs" / "filters" / "figures.json")

    result = bare(
        *("filter", "evaluate", *whole, "--json"),
        *("--policy", str(policy), "--weights", str(WEIGHTS), "--against", earlier),
    )

    found = json.loads(result.stdout.splitlines()[-1])
    assert found["policy"]["name"] == "strict"
    assert all(each["before"] is not None for each in found["goals"] if each["found"])


def test_a_data_set_that_is_missing_is_one_line(bare: Corral, data: Path) -> None:
    (data / "test" / "misuse" / "jbb200.jsonl.gz").unlink()

    result = bare("filter", "evaluate", "--all", str(data))

    assert result.exit_code == 1
    assert "jbb200.jsonl.gz; give the folder that holds test and text" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("FILE",),
        ("FILE", "--label", "toxicity", "--limit", "3"),
        ("--all", "DATA", "--label", "toxicity"),
        ("--all", "DATA", "--threshold", "0.5"),
        ("--all", "DATA", "FILE"),
    ],
)
def test_one_file_and_all_files_do_not_mix(
    bare: Corral, data: Path, words: tuple[str, ...]
) -> None:
    places = {
        "DATA": str(data),
        "FILE": str(data / "test" / "misuse" / "jbb200.jsonl.gz"),
    }

    result = bare("filter", "evaluate", *(places.get(word, word) for word in words))

    assert result.exit_code == 2


def test_without_matplotlib_nothing_is_measured_before_that_is_said(
    bare: Corral, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.cli.evaluate.find_spec", lambda _: None)
    monkeypatch.setattr("api.cli.evaluate.read_material", lambda *_, **__: pytest.fail("it did"))

    result = bare("filter", "evaluate", "--all", str(data), "--write", str(tmp_path / "docs"))

    assert result.exit_code == 2
    assert "corral[figures]" in result.stderr
