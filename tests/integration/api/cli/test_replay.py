"""``corral policy check`` shows what a policy would change, and changes nothing."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from filters.catalog import load_filters
from filters.contract import Sample
from filters.policy import default_policy
from filters.screen import screen
from registry.db.session import Database
from registry.ledger.model import Entry
from registry.prompts import service as prompts
from registry.prompts.service import ScreenedPrompt
from registry.verdicts.model import VerdictRecord
from tests.integration.api.cli.conftest import Corral
from tests.support import rows
from tests.support.policies import refusing

CALM = "Lily and her mom baked a cake for the birthday."
RUDE = "You are a stupid idiot and everybody hates you."


def settle(database: Database, world: rows.World, text: str, verdict: dict[str, object]) -> UUID:
    """Have an output settled with a verdict of the test's choice."""
    job = rows.submit(database, world, prompt=RUDE)
    rows.seal(database, rows.claim(database, job), text)
    claimed = rows.claim(database, job, scoring=True)
    with database.transaction() as session:
        prompts.record(session, [ScreenedPrompt(job.id, RUDE, verdict)], actor="worker")
    [output] = rows.settle(database, claimed, verdict, text=text)
    return output.id


@pytest.fixture
def outputs(corral: Corral, tmp_path: Path) -> dict[str, str]:
    """Three outputs: one screened whole, one released and one flagged by nothing that is stored."""
    del corral
    database = Database(f"sqlite:///{tmp_path / 'data' / 'corral.db'}")
    world = rows.make_world(database)
    [screened] = screen([Sample(CALM)], filters=load_filters(), policy=default_policy())
    made = {
        "screened": settle(database, world, CALM, screened.to_record()),
        "released": settle(database, world, RUDE, rows.verdict("release")),
        "flagged": settle(database, world, CALM, rows.verdict("flag")),
    }
    database.close()
    return {name: str(identifier) for name, identifier in made.items()}


def records(tmp_path: Path) -> list[object]:
    """Return every verdict and ledger entry, whole."""
    database = Database(f"sqlite:///{tmp_path / 'data' / 'corral.db'}")
    with database.reading() as session:
        found = [
            {column.name: getattr(row, column.key) for column in row.__table__.columns}
            for kind in (VerdictRecord, Entry)
            for row in session.scalars(select(kind))
        ]
    database.close()
    return [*found]


def policy_file(tmp_path: Path, source: str) -> str:
    """Write a policy."""
    path = tmp_path / "policy.toml"
    path.write_text(source)
    return str(path)


def test_what_was_found_is_decided_again_and_what_was_not_is_scored(
    corral: Corral, tmp_path: Path, outputs: dict[str, str]
) -> None:
    before = records(tmp_path)

    result = corral("policy", "check", policy_file(tmp_path, default_policy().source), "--json")

    done = json.loads(result.stdout)["replay"]
    assert (done["verdicts"], done["scored_again"], done["prompts"]) == (3, 2, 0)
    changes = {each["output"]: (each["from"], each["to"]) for each in done["changes"]}
    assert changes == {
        outputs["released"]: ("release", "flag"),
        outputs["flagged"]: ("flag", "release"),
    }
    assert CALM not in result.stdout
    assert RUDE not in result.stdout
    assert records(tmp_path) == before


def test_people_see_counts_and_outputs_and_no_text(
    corral: Corral, tmp_path: Path, outputs: dict[str, str]
) -> None:
    strict = default_policy().source.replace("toxicity = 0.", "toxicity = 0.0000")

    result = corral("policy", "check", policy_file(tmp_path, strict))

    assert "3 verdicts replayed: 1 from what was found, 2 with texts scored again" in result.stdout
    assert "verdicts that would change: 2 from release to flag" in result.stdout
    assert outputs["screened"] in result.stdout
    assert "toxicity.toxicity" in result.stdout
    assert CALM not in result.stdout
    assert RUDE not in result.stdout


def test_a_limit_takes_the_newest(corral: Corral, tmp_path: Path, outputs: dict[str, str]) -> None:
    result = corral(
        "policy",
        "check",
        policy_file(tmp_path, default_policy().source),
        "--limit",
        "1",
        "--json",
    )

    done = json.loads(result.stdout)["replay"]
    assert done["verdicts"] == 1
    assert [each["output"] for each in done["changes"]] == [outputs["flagged"]]


def test_a_policy_that_refuses_prompts_says_how_many(
    corral: Corral, tmp_path: Path, outputs: dict[str, str]
) -> None:
    source = refusing(default_policy()).source

    result = corral("policy", "check", policy_file(tmp_path, source), "--json")

    done = json.loads(result.stdout)["replay"]
    assert outputs
    assert (done["prompts"], done["prompts_refused"]) == (3, 2)


def test_without_records_a_policy_is_checked_all_the_same(bare: Corral, tmp_path: Path) -> None:
    result = bare("policy", "check", policy_file(tmp_path, default_policy().source))

    assert result.exit_code == 0
    assert "can be adopted" in result.stdout
    assert "nothing was replayed: there are no records" in result.stderr
