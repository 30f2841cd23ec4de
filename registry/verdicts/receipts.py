"""What a receipt says of a verdict."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from registry.jobs.model import Job
from registry.receipts import statement as statements
from registry.receipts.service import Signer
from registry.receipts.statement import (
    FilterRun,
    Flagged,
    Policy,
    Release,
    Scorer,
    Screening,
    Statement,
)
from registry.verdicts.model import VerdictRecord


def statement_of(
    verdict: VerdictRecord,
    *,
    job: Job,
    release_name: str,
    thresholds: Mapping[str, float],
    released: bool,
    signer: Signer,
) -> Statement:
    """Return what the receipt of a verdict says."""
    screening = Screening(
        output=str(verdict.output_id),
        job=str(job.id),
        verdict=str(verdict.id),
        release=Release(name=release_name, digest=verdict.release_digest),
        policy=Policy(digest=verdict.policy_digest, thresholds=dict(thresholds)),
        filters=[FilterRun(**_named(each, FilterRun)) for each in verdict.filters],
        scores=verdict.scores,
        flagged_by=[Flagged(**_named(each, Flagged)) for each in verdict.flagged_by],
        noted=[Flagged(**_named(each, Flagged)) for each in verdict.noted],
        decision="release" if released else "flag",
        characters=verdict.characters,
        scorer=Scorer(name=signer.name, canaries_passed_at=_written(signer.canaries_passed_at)),
        submitted_at=job.created_at.isoformat(timespec="microseconds"),
        given_at=verdict.given_at.isoformat(timespec="microseconds"),
        key_id=signer.key_id,
    )
    return statements.make(verdict.output_sha256, screening)


def _named(record: Mapping[str, Any], part: type[FilterRun | Flagged]) -> dict[str, Any]:
    """Return the members of a record that this part of a receipt has."""
    return {name: record[name] for name in part.model_fields}


def _written(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat(timespec="microseconds")
