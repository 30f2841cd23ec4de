"""Record verdicts on prompts, and say whether a prompt may be answered.

Invariant: under a policy that refuses prompts, only the exact decision "release", given under
that policy, lets a prompt pass. What was not screened does not.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from registry.clock import now
from registry.errors import NoPolicy, PromptNotScreened, PromptRefused
from registry.ledger import service as ledger
from registry.ledger.service import Decision
from registry.policies import service as policies
from registry.prompts.model import PromptVerdict

PASSES = "release"
_UNDER = select(PromptVerdict).where(
    PromptVerdict.job_id.in_(bindparam("of_jobs", expanding=True)),
    PromptVerdict.policy_digest == bindparam("of_policy"),
)

_NEWEST = (
    select(PromptVerdict)
    .where(PromptVerdict.job_id.in_(bindparam("of_jobs", expanding=True)))
    .order_by(PromptVerdict.id)
)


@dataclass(frozen=True, slots=True)
class ScreenedPrompt:
    """A job's prompt, and what the filters said about it.

    Attributes:
        job_id: The job, which the caller holds.
        prompt: The prompt, as the filters saw it.
        verdict: What ``filters.verdict.Verdict.to_record`` returns.
    """

    job_id: UUID
    prompt: str
    verdict: Mapping[str, Any]


def record(session: Session, screened: Sequence[ScreenedPrompt], *, actor: str) -> None:
    """Write the verdicts on jobs' prompts. The first one under a policy stays."""
    digests = {each.verdict["policy_digest"] for each in screened}
    known = {
        (job_id, digest)
        for digest in digests
        for job_id in under(session, [each.job_id for each in screened], policy_digest=digest)
    }
    rows = [
        _verdict(each)
        for each in screened
        if (each.job_id, each.verdict["policy_digest"]) not in known
    ]
    session.add_all(rows)
    session.flush()
    ledger.record_all(session, [_decision(row, actor) for row in rows])


def under(
    session: Session, job_ids: Collection[UUID], *, policy_digest: str
) -> dict[UUID, PromptVerdict]:
    """Return the verdicts on jobs' prompts under one policy, by the jobs' identifiers."""
    given = {"of_jobs": list(job_ids), "of_policy": policy_digest}
    return {row.job_id: row for row in session.scalars(_UNDER, given)}


def newest(session: Session, job_ids: Iterable[UUID]) -> dict[UUID, PromptVerdict]:
    """Return the newest verdict on each job's prompt, by the job's identifier."""
    return {row.job_id: row for row in session.scalars(_NEWEST, {"of_jobs": list(job_ids)})}


def awaiting_screening(session: Session, job_ids: Collection[UUID]) -> set[UUID]:
    """Return the jobs whose prompt must be screened before anything is generated from it."""
    try:
        policy = policies.current(session)
    except NoPolicy:
        return set()  # nothing can be screened either; the jobs wait for a policy
    if not policy.refuses_prompts:
        return set()
    return set(job_ids) - under(session, job_ids, policy_digest=policy.digest).keys()


def check_pass(session: Session, job_ids: Collection[UUID]) -> None:
    """Check, in the transaction of what follows, that the prompts of jobs may be answered.

    Raises:
        PromptRefused: The policy in force refuses one.
        PromptNotScreened: The policy in force refuses prompts, and one was not screened.
        NoPolicy: None is in force, so there is nothing that could allow it.
    """
    for refused in refusals(session, job_ids).values():
        raise refused


def refusals(session: Session, job_ids: Collection[UUID]) -> dict[UUID, PromptRefused]:
    """Return why the policy in force refuses the prompts of jobs, where it does.

    Raises:
        PromptNotScreened: It refuses prompts, and has not seen one of these.
        NoPolicy: None is in force.
    """
    policy = policies.current(session)
    if not policy.refuses_prompts:
        return {}
    verdicts = under(session, job_ids, policy_digest=policy.digest)
    for job_id in job_ids:
        if job_id not in verdicts:
            raise PromptNotScreened(job_id)
    return {
        job_id: PromptRefused(_labels(verdict))
        for job_id, verdict in verdicts.items()
        if not _passes(verdict)
    }


def _verdict(screened: ScreenedPrompt) -> PromptVerdict:
    verdict = screened.verdict
    return PromptVerdict(
        job_id=screened.job_id,
        prompt_sha256=hashlib.sha256(screened.prompt.encode()).hexdigest(),
        policy_digest=verdict["policy_digest"],
        decision=verdict["decision"],
        scores=verdict["scores"],
        findings=verdict["findings"],
        flagged_by=verdict["flagged_by"],
        noted=verdict["noted"],
        filters=verdict["filters"],
        windows=verdict["windows"],
        characters=verdict["characters"],
        given_at=now(),
    )


def _decision(verdict: PromptVerdict, actor: str) -> Decision:
    action = "prompt.passed" if _passes(verdict) else "prompt.flagged"
    facts = {
        "verdict": str(verdict.id),
        "policy": verdict.policy_digest,
        "flagged_by": _labels(verdict),
    }
    return Decision(actor, action, str(verdict.job_id), facts)


def _passes(verdict: PromptVerdict) -> bool:
    return verdict.decision == PASSES and not verdict.flagged_by


def _labels(verdict: PromptVerdict) -> list[str]:
    return [f"{each['filter']}.{each['label']}" for each in verdict.flagged_by]
