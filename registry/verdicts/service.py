"""Settle outputs: write their verdicts, sign receipts, release or flag each, all or nothing."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from registry.clock import now
from registry.errors import OutputMoved
from registry.jobs import service as jobs
from registry.jobs.model import Job, Output
from registry.jobs.states import OutputState
from registry.ledger import service as ledger
from registry.ledger.service import Decision
from registry.receipts import service as receipts
from registry.receipts.service import Signer
from registry.releases.model import Release
from registry.reviews import opening as reviews
from registry.verdicts.model import VerdictRecord
from registry.verdicts.receipts import statement_of

RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Screened:
    """An output, and what the filters said about it.

    Attributes:
        job: Its job, leased by the caller.
        output: The output.
        scored_text: The text that the filters saw; it must be the one that is stored.
        verdict: What ``filters.verdict.Verdict.to_record`` returns.
    """

    job: Job
    output: Output
    scored_text: str
    verdict: Mapping[str, Any]


def settle(
    session: Session, screened: Sequence[Screened], *, signer: Signer
) -> list[VerdictRecord]:
    """Write the verdicts on outputs, sign their receipts and do what they say.

    The caller has asked ``admit`` in this transaction. Only the exact decision "release"
    releases; every other one flags.

    Args:
        session: An open transaction.
        screened: Outputs of any jobs that the caller holds.
        signer: The worker, and the key that it signs with.

    Raises:
        OutputMoved: One is settled already, or another text was scored; the caller rolls back.
    """
    rows = [_verdict(each) for each in screened]
    session.add_all(rows)
    session.flush()
    given = list(zip(screened, rows, strict=True))
    releases = {
        identifier: session.get_one(Release, identifier).name
        for identifier in {each.job.release_id for each in screened}
    }
    signed = receipts.record(
        session,
        [
            statement_of(
                row,
                job=each.job,
                release_name=releases[each.job.release_id],
                thresholds=each.verdict["thresholds"],
                released=_next_state(row) is OutputState.RELEASED,
                signer=signer,
            )
            for each, row in given
        ],
        signer=signer,
    )
    for each, row, receipt in zip(screened, rows, signed, strict=True):
        each.output.verdict_id, each.output.receipt_id = row.id, receipt.id
    jobs.advance_outputs(session, [(each.output, _next_state(row)) for each, row in given])
    for each, row in given:
        if _next_state(row) is OutputState.FLAGGED:
            reviews.open_review(
                session, each.output, policy_digest=row.policy_digest, flags=row.flagged_by
            )
    ledger.record_all(
        session,
        [
            _decision(each, row, receipt_sha256=receipt.payload_sha256, actor=signer.name)
            for each, row, receipt in zip(screened, rows, signed, strict=True)
        ],
    )
    return rows


def _verdict(screened: Screened) -> VerdictRecord:
    output, text, verdict = screened.output, screened.scored_text, screened.verdict
    if output.text is None or output.text != text:
        raise OutputMoved(f"output {output.id} is not the text that was scored")
    return VerdictRecord(
        output_id=output.id,
        output_sha256=hashlib.sha256(text.encode()).hexdigest(),
        release_digest=screened.job.release_digest,
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


def _next_state(verdict: VerdictRecord) -> OutputState:
    released = verdict.decision == RELEASE and not verdict.flagged_by
    return OutputState.RELEASED if released else OutputState.FLAGGED


def _decision(
    screened: Screened, verdict: VerdictRecord, *, receipt_sha256: str, actor: str
) -> Decision:
    flagged_by = [f"{each['filter']}.{each['label']}" for each in verdict.flagged_by]
    facts = {
        "job": str(screened.job.id),
        "verdict": str(verdict.id),
        "receipt": receipt_sha256,
        "output_sha256": verdict.output_sha256,
        "policy": verdict.policy_digest,
        "flagged_by": flagged_by,
    }
    action = f"output.{_next_state(verdict)}"
    return Decision(actor, action, str(screened.output.id), facts)
