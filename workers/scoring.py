"""The scoring part of a worker process: filters that proved themselves, a key, and a watch."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from filters.canaries import CanaryFailed
from filters.checkpoints import BadCheckpoint
from registry.db.session import Database
from registry.keys import load_or_create_key
from registry.receipts import service as receipts
from registry.receipts.service import Signer
from registry.scorers import service as scorers
from workers.duty import Duty
from workers.prompts import PromptScreen
from workers.scorer import Scorer
from workers.screening import Screener, load_screener
from workers.watch import Watch
from workers.worker import Worker

log = structlog.get_logger(__name__)

PROOFS_LIMIT = 2
GRACE_SECONDS = 300
"""A proof is good for two intervals and this, since it may wait behind a batch of texts."""

BAD_CHECKPOINT = "bad_checkpoint"


@dataclass(frozen=True, slots=True)
class Scoring:
    """What scores in one process.

    Attributes:
        scorer: Screens outputs.
        prompts: Screens prompts.
        watch: Proves the filters of both again and again, once it is started.
    """

    scorer: Scorer
    prompts: PromptScreen
    watch: Watch


def load_scoring(worker: Worker, *, when_ended: Callable[[], None]) -> Scoring:
    """Load the filters, prove them, and enrol the key that signs this machine's receipts.

    Raises:
        BadCheckpoint: Weights have another digest than expected, or may not score text.
        CanaryFailed: A filter scores wrong; this process must not score.
        BadPolicy: The policy in force asks for what no filter here provides.
    """
    interval = worker.settings.canary_interval_seconds
    screener = _load_screener(worker)
    duty = Duty(proof_seconds=PROOFS_LIMIT * interval + GRACE_SECONDS)
    duty.note_passed()
    key = load_or_create_key(worker.settings.keys_dir / receipts.KEY_FILE)
    with worker.database.transaction() as session:
        receipts.enrol(session, key=key, actor=worker.name)
    watch = Watch(
        worker.database,
        worker=worker.name,
        filters=screener.filters,
        duty=duty,
        interval_seconds=interval,
        when_ended=when_ended,
    )
    return Scoring(
        scorer=Scorer(worker, screener, Signer(worker.name, key), duty),
        prompts=PromptScreen(worker, screener, duty),
        watch=watch,
    )


def _load_screener(worker: Worker) -> Screener:
    """Load the filters; where they are not fit, tell the records before the process ends."""
    try:
        return load_screener(worker.settings, worker.database)
    except CanaryFailed as fault:
        _report(worker.database, worker.name, fault.reason, str(fault))
        raise
    except BadCheckpoint as fault:
        _report(worker.database, worker.name, BAD_CHECKPOINT, str(fault))
        raise


def _report(database: Database, name: str, reason: str, detail: str) -> None:
    log.error("out of service", reason=reason, detail=detail)
    try:
        with database.transaction() as session:
            scorers.report(session, worker=name, checked_at=None, reason=reason, detail=detail)
    except Exception:
        log.exception("not reported")
