"""Under a policy that refuses prompts, nothing is generated from one that did not pass."""

from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError

from registry.access import service as access
from registry.db.session import Database
from registry.errors import (
    ApprovalRevoked,
    JobMoved,
    NoPolicy,
    PromptNotScreened,
    PromptRefused,
)
from registry.jobs import leases, queries, recovery
from registry.jobs import service as jobs
from registry.jobs.model import Job
from registry.jobs.states import JobState
from registry.ledger.model import Entry
from registry.policies import service as policies
from registry.policies.model import PolicyRecord
from registry.prompts import service as prompts
from registry.prompts.model import PromptVerdict
from registry.prompts.service import ScreenedPrompt
from tests.support import rows
from tests.support.rows import MadeUpPolicy, World

REFUSING = replace(MadeUpPolicy(), name="refusing", digest="1" * 64, refuses_prompts=True)
STRICTER = replace(REFUSING, name="stricter", digest="2" * 64)
PROMPT = "a prompt that stays inside"


def adopt(database: Database, policy: MadeUpPolicy) -> None:
    """Put a policy in force."""
    with database.transaction() as session:
        policies.adopt(session, policy=policy, actor="operator")


@pytest.fixture
def world(database: Database) -> World:
    """A world whose policy refuses prompts."""
    world = rows.make_world(database)
    adopt(database, REFUSING)
    return world


@pytest.fixture
def job(database: Database, world: World) -> Job:
    """A queued job."""
    return rows.submit(database, world, prompt=PROMPT)


def record(
    database: Database, job: Job, decision: str = "release", digest: str = REFUSING.digest
) -> UUID:
    """Write a verdict on the job's prompt; return its identifier."""
    with database.transaction() as session:
        verdict = rows.verdict(decision, policy_digest=digest)
        prompts.record(session, [ScreenedPrompt(job.id, PROMPT, verdict)], actor="worker")
        return prompts.under(session, [job.id], policy_digest=digest)[job.id].id


def claim_screening(database: Database, job: Job, *, seconds: int = 60) -> Job:
    """Lease a job to screen its prompt."""
    with database.transaction() as session:
        [claimed] = leases.claim_screening(session, [job.id], owner="worker", seconds=seconds)
        return claimed


def state(database: Database, job: Job) -> JobState:
    """Return where the job is."""
    with database.reading() as session:
        return queries.get(session, job.id).state


def test_an_unscreened_prompt_is_not_generated(database: Database, job: Job) -> None:
    with pytest.raises(PromptNotScreened):
        rows.claim(database, job)

    assert state(database, job) is JobState.QUEUED


def test_a_prompt_that_passed_is_generated(database: Database, job: Job) -> None:
    record(database, job)

    rows.claim(database, job)

    assert state(database, job) is JobState.GENERATING


@pytest.mark.parametrize("decision", ["flag", "Release", "", "unknown"])
def test_only_the_exact_decision_lets_a_prompt_pass(
    database: Database, job: Job, decision: str
) -> None:
    record(database, job, decision)

    with pytest.raises(PromptRefused):
        rows.claim(database, job)

    assert state(database, job) is JobState.QUEUED


def test_the_refusal_names_labels_and_what_to_do_but_no_text(database: Database, job: Job) -> None:
    record(database, job, "flag")

    with pytest.raises(PromptRefused, match=r"toxicity\.toxicity.*reword it") as caught:
        rows.claim(database, job)

    assert PROMPT not in str(caught.value)


def test_a_prompt_must_pass_the_policy_in_force(database: Database, job: Job) -> None:
    record(database, job)
    adopt(database, STRICTER)

    with pytest.raises(PromptNotScreened):
        rows.claim(database, job)

    record(database, job, digest=STRICTER.digest)
    rows.claim(database, job)
    assert state(database, job) is JobState.GENERATING


def test_a_policy_that_only_notes_asks_for_no_screening(database: Database, job: Job) -> None:
    adopt(database, replace(MadeUpPolicy(), digest="3" * 64))

    rows.claim(database, job)

    assert state(database, job) is JobState.GENERATING


def test_without_a_policy_nothing_is_generated(database: Database, job: Job) -> None:
    with database.transaction() as session:
        session.query(PolicyRecord).delete()

    with pytest.raises(NoPolicy):
        rows.claim(database, job)


def test_the_first_verdict_under_a_policy_stays(database: Database, job: Job) -> None:
    first = record(database, job, "flag")

    second = record(database, job, "release")

    assert first == second
    with pytest.raises(PromptRefused):
        rows.claim(database, job)


def test_a_verdict_on_a_prompt_cannot_be_rewritten(database: Database, job: Job) -> None:
    record(database, job, "flag")

    with pytest.raises(DatabaseError, match="append-only"), database.transaction() as session:
        session.execute(update(PromptVerdict).values(decision="release", flagged_by=[]))


def test_the_ledger_says_why_a_prompt_was_flagged_without_its_text(
    database: Database, job: Job
) -> None:
    record(database, job, "flag")

    with database.reading() as session:
        entry = session.scalars(select(Entry).where(Entry.action == "prompt.flagged")).one()
    assert (entry.subject, "toxicity.toxicity" in entry.facts) == (str(job.id), True)
    assert PROMPT not in entry.facts


def test_of_two_scorers_one_screens_the_prompt(database: Database, job: Job) -> None:
    claim_screening(database, job)

    with pytest.raises(JobMoved):
        claim_screening(database, job)


def test_a_screened_prompt_is_not_claimed_again(database: Database, job: Job) -> None:
    record(database, job)

    with pytest.raises(JobMoved):
        claim_screening(database, job)


def test_a_prompt_of_a_revoked_researcher_is_not_screened(
    database: Database, world: World, job: Job
) -> None:
    with database.transaction() as session:
        access.revoke(
            session, approval_id=world.approval_id, reviewer=world.reviewer, reason="test"
        )

    with pytest.raises(ApprovalRevoked):
        claim_screening(database, job)


def test_a_job_is_cancelled_while_its_prompt_is_screened(database: Database, job: Job) -> None:
    claimed = claim_screening(database, job)
    with database.transaction() as session:
        jobs.cancel(session, queries.get(session, job.id), actor="ada")

    with pytest.raises(JobMoved), database.transaction() as session:
        leases.held(session, claimed)

    assert state(database, job) is JobState.CANCELLED


def test_a_prompt_that_kills_scorers_fails_its_job(database: Database, job: Job) -> None:
    for _ in range(2):
        claim_screening(database, job, seconds=-1)
        with database.transaction() as session:
            recovery.recover(session, attempts_limit=2)

    with database.reading() as session:
        row = queries.get(session, job.id)
    assert (row.state, row.failure_code) == (JobState.FAILED, "worker_lost")
    assert "screening its prompt" in (row.failure_detail or "")


def test_a_prompt_that_passed_leaves_generation_all_its_attempts(
    database: Database, job: Job
) -> None:
    claimed = claim_screening(database, job)
    with database.transaction() as session:
        leases.pass_on(session, leases.held(session, claimed))
    record(database, job)

    generating = rows.claim(database, job)

    assert (generating.attempts, generating.state) == (1, JobState.GENERATING)
