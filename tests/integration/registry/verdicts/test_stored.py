"""Verdicts are read again, newest first and page by page."""

from uuid import UUID

import pytest

from registry.db.session import Database
from registry.prompts import service as prompts
from registry.prompts.service import ScreenedPrompt
from registry.verdicts import stored
from tests.support import rows
from tests.support.rows import World


def settled(database: Database, world: World, text: str) -> UUID:
    """Have one output settled; return it."""
    job = rows.submit(database, world, prompt=f"about {text}")
    rows.seal(database, rows.claim(database, job), text)
    claimed = rows.claim(database, job, scoring=True)
    [output] = rows.settle(database, claimed, rows.verdict("flag"), text=text)
    return output.id


@pytest.mark.parametrize("page", [1, 2, 3, 10])
def test_every_verdict_comes_once_with_its_text(database: Database, page: int) -> None:
    world = rows.make_world(database)
    made = [(settled(database, world, text), text) for text in ("one", "two", "three")]

    pages = list(stored.on_outputs(database, page=page))

    found = [each for part in pages for each in part]
    assert [(each.subject, each.text) for each in found] == made[::-1]
    assert {(each.prompt, each.decision) for each in found} == {
        (f"about {text}", "flag") for _, text in made
    }
    assert max(map(len, pages)) <= page
    assert stored.count(database) == 3


def test_of_the_verdicts_on_a_prompt_the_newest_comes(database: Database) -> None:
    world = rows.make_world(database)
    first, second = (rows.submit(database, world, prompt=text) for text in ("one", "two"))
    for job, digest, decision in (
        (first, "a", "flag"),
        (second, "a", "flag"),
        (first, "b", "release"),
    ):
        with database.transaction() as session:
            verdict = rows.verdict(decision, policy_digest=digest * 64)
            screened = ScreenedPrompt(job.id, job.prompt, verdict)
            prompts.record(session, [screened], actor="worker")

    found = [each for part in stored.on_prompts(database, page=1) for each in part]

    assert [(each.subject, each.text, each.decision) for each in found] == [
        (first.id, "one", "release"),
        (second.id, "two", "flag"),
    ]
