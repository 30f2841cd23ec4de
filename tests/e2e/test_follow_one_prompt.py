"""Prompts through the whole service, on both stacks."""

from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from api.cli import demo
from api.client import ApiProblem
from registry.accounts import service as accounts
from registry.errors import UnknownRelease
from registry.ledger import service as ledger
from registry.ledger.verify import verify
from registry.releases import queries as releases
from registry.releases.intake import register_folder
from registry.releases.store import Store
from tests.support import rows
from tests.support.stack import Stack
from tests.support.stories import golden_text, make_stories_release

STORIES = "karpathy/stories260k"
HOSTILE = "You are a stupid, worthless idiot and everybody hates you."


def submit(service: Stack, prompt: str, **options: Any) -> str:
    """Submit a prompt to the bundled release as the demo researcher; return the job's id."""
    with service.client() as client:
        job = client.submit(service.ready.release.name, prompt, **options)
    return str(job["id"])


def finished(service: Stack, identifier: str) -> dict[str, Any]:
    """Return a job as its researcher sees it once it has ended."""
    with service.client() as client:
        return client.wait(identifier, seconds=90)


def test_a_prompt_comes_back_released(service: Stack) -> None:
    identifier = submit(service, "Once upon a time", max_new_tokens=24, seed=1, n=2)

    job = finished(service, identifier)

    outputs = job["outputs"]
    assert (job["state"], len(outputs)) == ("done", 2)
    for output in outputs:
        assert output["state"] == "released"
        assert output["text"]
        assert output["scores"]["toxicity.toxicity"] < 0.5
        assert output["verdict"]["policy_digest"]


def test_the_same_seed_gives_the_same_text(service: Stack) -> None:
    identifiers = [
        submit(service, "The children went", max_new_tokens=16, seed=5) for _ in range(2)
    ]

    first, second = (finished(service, each)["outputs"] for each in identifiers)

    assert first[0]["text"] == second[0]["text"]


def test_a_hostile_text_waits_for_a_person_who_may_release_it(service: Stack) -> None:
    identifier = submit(service, HOSTILE, max_new_tokens=4, echo=True)
    flagged = finished(service, identifier)["outputs"]
    assert (flagged[0]["state"], flagged[0]["text"]) == ("flagged", None)
    assert flagged[0]["flagged_by"]
    with service.client(demo.REVIEWER) as reviewer:
        review = next(
            each for each in reviewer.reviews(state="open") if each["output_id"] == flagged[0]["id"]
        )
        assert reviewer.review(review["id"])["text"].startswith(HOSTILE)
        reviewer.claim(review["id"])

        reviewer.release_output(review["id"], reason="a test sentence")

    released = finished(service, identifier)["outputs"]
    assert released[0]["text"].startswith(HOSTILE)


def test_nobody_else_sees_a_job(service: Stack) -> None:
    identifier = submit(service, "Once upon a time", max_new_tokens=4)

    with service.client(demo.REVIEWER) as other, pytest.raises(ApiProblem) as refusal:
        other.job(identifier)

    assert refusal.value.code in {"unknown_job", "role_missing"}


def test_the_ledger_tells_the_story_and_verifies(service: Stack) -> None:
    identifier = submit(service, "Once upon a time", max_new_tokens=4)
    finished(service, identifier)
    with service.client(demo.AUDITOR) as auditor:
        entries = list(islice(auditor.audit_entries(subject=identifier), 10))
    while True:
        with service.database.transaction() as session:
            if not ledger.sequence(session):
                break

    with service.database.reading() as session:
        report = verify(session)

    assert [entry["action"] for entry in entries] == [
        "job.done",
        "prompt.passed",
        "job.scoring",
        "job.generating",
        "job.submitted",
    ]
    assert report.holds


def test_many_jobs_at_once_all_end(service: Stack) -> None:
    identifiers = [
        submit(service, f"Story number {number}:", max_new_tokens=8, seed=number)
        for number in range(20)
    ]

    states = {finished(service, each)["state"] for each in identifiers}

    assert states == {"done"}


def test_a_cancelled_job_ends_without_a_text(service: Stack) -> None:
    identifier = submit(service, "Once upon a time", max_new_tokens=400, n=16, temperature=1.5)
    with service.client() as client:
        client.cancel(identifier)

    job = finished(service, identifier)

    assert job["state"] == "cancelled"
    assert all(output["text"] is None for output in job["outputs"])


@pytest.fixture
def stories(service: Stack, data_dir: Path, tmp_path: Path) -> str:
    """Register, publish and approve the checkpoint on the running service."""
    with service.database.reading() as session:
        try:
            return releases.get(session, STORIES).name
        except UnknownRelease:
            pass
    make_stories_release(tmp_path, data_dir)
    release = register_folder(
        service.database,
        Store(service.settings.store_dir),
        folder=tmp_path,
        name=STORIES,
        license="MIT",
        source="a test",
        actor=accounts.OPERATOR,
        progress=None,
    )
    with service.database.transaction() as session:
        published = rows.publish(session, release)
        rows.approve(
            session,
            published,
            accounts.get(session, demo.RESEARCHER),
            accounts.get(session, demo.REVIEWER),
        )
    return STORIES


def test_the_golden_text_comes_out_of_the_service(
    service: Stack, stories: str, data_dir: Path
) -> None:
    with service.client() as client:
        job = client.submit(stories, "", max_new_tokens=200, temperature=0.0)

        ended = client.wait(job["id"], seconds=90)

    assert ended["outputs"][0]["text"].startswith(golden_text(data_dir))
