"""Record verdicts on prompts, and say whether a prompt may be answered.

Invariant: under a policy that refuses prompts, only the exact decision "release", given under
that policy, lets a prompt pass. What was not screened does not.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from registry.clock import now
from registry.errors import NoPolicy, PromptNotScreened, PromptRefused
from registry.ledger import service as ledger
from registry.policies import service as policies
from registry.prompts.model import PromptVerdict

PASSES = "release"
_UNDER = select(PromptVerdict).where(
    PromptVerdict.job_id == bindparam("of_job"),
    PromptVerdict.policy_digest == bindparam("of_policy"),
)


def record(
    session: Session, *, job_id: UUID, prompt: str, verdict: Mapping[str, Any], actor: str
) -> PromptVerdict:
    """Write the verdict on a job's prompt. The first one under a policy stays.

    Args:
        session: An open transaction, whose caller holds the job.
        job_id: The job.
        prompt: Its prompt, as the filters saw it.
        verdict: What ``filters.verdict.Verdict.to_record`` returns.
        actor: The worker.
    """
    known = under(session, job_id, policy_digest=verdict["policy_digest"])
    if known is not None:
        return known
    row = PromptVerdict(
        job_id=job_id,
        prompt_sha256=hashlib.sha256(prompt.encode()).hexdigest(),
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
    session.add(row)
    session.flush()
    ledger.record(
        session,
        actor=actor,
        action="prompt.passed" if _passes(row) else "prompt.flagged",
        subject=str(job_id),
        verdict=str(row.id),
        policy=row.policy_digest,
        flagged_by=_labels(row),
    )
    return row


def under(session: Session, job_id: UUID, *, policy_digest: str) -> PromptVerdict | None:
    """Return the verdict on a job's prompt under one policy, if it was screened under it."""
    return session.scalar(_UNDER, {"of_job": job_id, "of_policy": policy_digest})


def newest(session: Session, job_ids: Iterable[UUID]) -> dict[UUID, PromptVerdict]:
    """Return the newest verdict on each job's prompt, by the job's identifier."""
    rows = session.scalars(
        select(PromptVerdict)
        .where(PromptVerdict.job_id.in_(list(job_ids)))
        .order_by(PromptVerdict.id)
    )
    return {row.job_id: row for row in rows}


def awaits_screening(session: Session, job_id: UUID) -> bool:
    """Return whether a job's prompt must be screened before anything is generated from it."""
    try:
        refusal(session, job_id)
    except PromptNotScreened:
        return True
    except NoPolicy:
        pass  # nothing can be screened either; the job waits for a policy
    return False


def check_passes(session: Session, job_id: UUID) -> None:
    """Check, in the transaction of what follows, that a job's prompt may be answered.

    Raises:
        PromptRefused: The policy in force refuses it.
        PromptNotScreened: The policy in force refuses prompts, and this one was not screened.
        NoPolicy: None is in force, so there is nothing that could allow it.
    """
    refused = refusal(session, job_id)
    if refused is not None:
        raise refused


def refusal(session: Session, job_id: UUID) -> PromptRefused | None:
    """Return why the policy in force refuses a job's prompt, or ``None`` if it does not.

    Raises:
        PromptNotScreened: It refuses prompts, and has not seen this one.
        NoPolicy: None is in force.
    """
    policy = policies.current(session)
    if not policy.refuses_prompts:
        return None
    verdict = under(session, job_id, policy_digest=policy.digest)
    if verdict is None:
        raise PromptNotScreened(job_id)
    return None if _passes(verdict) else PromptRefused(_labels(verdict))


def _passes(verdict: PromptVerdict) -> bool:
    return verdict.decision == PASSES and not verdict.flagged_by


def _labels(verdict: PromptVerdict) -> list[str]:
    return [f"{each['filter']}.{each['label']}" for each in verdict.flagged_by]
