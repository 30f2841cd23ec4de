"""Settle an output: write its verdict, sign its receipt, release or flag it, all or nothing."""

import hashlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from registry.clock import now
from registry.errors import OutputMoved
from registry.jobs import service as jobs
from registry.jobs.model import Job, Output
from registry.jobs.states import OutputState
from registry.ledger import service as ledger
from registry.receipts.service import Signer
from registry.reviews import opening as reviews
from registry.verdicts import receipts
from registry.verdicts.model import VerdictRecord

RELEASE = "release"


def settle(
    session: Session,
    *,
    job: Job,
    output: Output,
    scored_text: str,
    verdict: Mapping[str, Any],
    signer: Signer,
) -> VerdictRecord:
    """Write the verdict on an output, sign its receipt and do what it says.

    The caller has asked ``admit`` in this transaction. Only the exact decision "release"
    releases; every other one flags.

    Args:
        session: An open transaction.
        job: The job, leased by the caller.
        output: One of its outputs.
        scored_text: The text that the filters saw; it must be the one that is stored.
        verdict: What ``filters.verdict.Verdict.to_record`` returns.
        signer: The worker, and the key that it signs with.

    Raises:
        OutputMoved: The output is settled already, or another text was scored.
    """
    if output.text is None or output.text != scored_text:
        raise OutputMoved(f"output {output.id} is not the text that was scored")
    row = VerdictRecord(
        output_id=output.id,
        output_sha256=hashlib.sha256(scored_text.encode()).hexdigest(),
        release_digest=job.release_digest,
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
    released = row.decision == RELEASE and not row.flagged_by
    to = OutputState.RELEASED if released else OutputState.FLAGGED
    receipt = receipts.sign(
        session,
        job=job,
        verdict=row,
        thresholds=verdict["thresholds"],
        released=released,
        signer=signer,
    )
    output.verdict_id, output.receipt_id = row.id, receipt.id
    jobs.advance_output(session, output, to=to)
    if to is OutputState.FLAGGED:
        reviews.open_review(session, output, policy_digest=row.policy_digest, flags=row.flagged_by)
    ledger.record(
        session,
        actor=signer.name,
        action=f"output.{to}",
        subject=str(output.id),
        job=str(job.id),
        verdict=str(row.id),
        receipt=receipt.payload_sha256,
        output_sha256=row.output_sha256,
        policy=row.policy_digest,
        flagged_by=[f"{each['filter']}.{each['label']}" for each in row.flagged_by],
    )
    return row
