"""The filters on the command line, with the weights that ship with Corral."""

import gzip
import json
from functools import cache
from pathlib import Path

import pytest

from filters.catalog import load_filters
from tests.integration.api.cli.conftest import Corral

KEYS = [
    "rows",
    "auc",
    "average_precision",
    "threshold",
    "recall",
    "false_positive_rate",
    "accuracy",
    "texts_per_second",
]
LOAD_ONCE = cache(load_filters)
TEXTS = [("You are a stupid idiot and nobody likes you.", 1), ("A rabbit found a carrot.", 0)]


@pytest.fixture(autouse=True)
def _loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the real filters for the first test only, to save seconds in each of the others."""
    monkeypatch.setattr("api.cli.filter.load_filters", LOAD_ONCE)


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """A compressed file of labelled texts."""
    lines = [json.dumps({"text": text, "labels": {"toxicity": label}}) for text, label in TEXTS]
    file = tmp_path / "texts.jsonl.gz"
    file.write_bytes(gzip.compress("\n".join(lines).encode()))
    return file


def test_every_filter_is_listed_with_its_digest(bare: Corral) -> None:
    items = json.loads(bare("filter", "list", "--json").stdout)["items"]

    digests = {each["name"]: each["weights_digest"] for each in items}
    assert {"toxicity", "misuse", "secrets", "links"} < set(digests)
    assert len(digests["toxicity"]) == 64
    assert digests["secrets"] is None


def test_a_text_gets_a_verdict(corral: Corral) -> None:
    hostile = json.loads(corral("filter", "score", TEXTS[0][0], "--json").stdout)
    harmless = json.loads(corral("filter", "score", "--json", input=f"{TEXTS[1][0]}\n").stdout)

    assert (hostile["decision"], harmless["decision"]) == ("flag", "release")
    assert hostile["scores"]["toxicity.toxicity"] > harmless["scores"]["toxicity.toxicity"]


def test_people_see_what_flags(corral: Corral) -> None:
    result = corral("filter", "score", TEXTS[0][0])

    [line] = [line for line in result.stdout.splitlines() if line.startswith("toxicity.toxicity")]
    assert line.rstrip().endswith("flags")
    assert result.stdout.endswith("verdict: flag\n")


def test_a_text_can_be_scored_with_its_prompt(corral: Corral) -> None:
    question = "What is the capital of France?"

    scored = corral("filter", "score", question, "--prompt", question, "--json")

    assert json.loads(scored.stdout)["scores"]["echo.prompt"] == 1.0


def test_a_measurement_has_exactly_the_promised_keys(bare: Corral, labelled: Path) -> None:
    result = bare("filter", "evaluate", str(labelled), "--label", "toxicity", "--json")

    measured = json.loads(result.stdout.splitlines()[-1])
    assert list(measured) == KEYS
    assert (measured["rows"], measured["auc"], measured["recall"]) == (2, 1.0, 1.0)


def test_people_read_the_same_measurement(bare: Corral, labelled: Path) -> None:
    words = ("--label", "toxicity", "--filter", "toxicity", "--threshold", "0.5")

    result = bare("filter", "evaluate", str(labelled), *words)

    assert [line.split("  ")[0] for line in result.stdout.splitlines()] == [
        key.replace("_", " ") for key in KEYS
    ]
    assert "threshold            0.5000" in result.stdout


def test_a_label_that_nobody_scores_is_one_line(bare: Corral, labelled: Path) -> None:
    result = bare("filter", "evaluate", str(labelled), "--label", "nonsense")

    assert result.exit_code == 1
    assert "nonsense" in result.stderr.splitlines()[-1]


def test_a_line_that_is_no_row_is_named_by_its_number(bare: Corral, tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text('{"text": "a", "labels": {}}\nnot json\n')

    result = bare("filter", "evaluate", str(file), "--label", "toxicity")

    assert result.exit_code == 1
    assert result.stderr == "Error: texts.jsonl, line 2: no text and labels\n"


def test_the_policy_that_ships_can_be_checked_adopted_and_shown(
    corral: Corral, tmp_path: Path
) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(corral("policy", "show", "--default").stdout)

    checked = json.loads(corral("policy", "check", str(file), "--json").stdout)
    adopted = json.loads(corral("policy", "adopt", str(file), "--json").stdout)
    shown = json.loads(corral("policy", "show", "--json").stdout)

    assert checked.pop("replay")["verdicts"] == 0
    assert checked == adopted
    assert shown["digest"] == adopted["digest"]
    assert shown["adopted_by"] == "operator"


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("rules = 1", "name: a policy needs a name"),
        ("not toml", "not TOML"),
        (
            'name = "p"\ntime_limit_seconds = 1\n[rules.toxicity]\nnonsense = 0.5\n',
            "rules.toxicity.nonsense: toxicity has no such label",
        ),
    ],
)
def test_a_bad_policy_is_not_adopted(corral: Corral, tmp_path: Path, toml: str, says: str) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(toml)

    result = corral("policy", "adopt", str(file))

    assert result.exit_code == 1
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert corral("policy", "show").exit_code == 1
