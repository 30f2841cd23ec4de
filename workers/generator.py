"""What a worker does with a job that is queued: claim, generate, seal.

Each step is one short transaction, shared by the jobs that come to it at the same moment. No
transaction is open while a model runs. Every write names the fence of the lease, so a worker
that was believed dead changes nothing.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from operator import setitem
from uuid import UUID

import structlog

from filters.contract import Sketch
from registry.errors import Conflict, Invalid, NotApproved, ReleaseNotPublished
from registry.jobs import leases
from registry.jobs import service as jobs
from registry.jobs.model import Job
from registry.jobs.service import Generated
from workers.generation.engine import Engine, GeneratedText, GenerationCancelled, kind_of
from workers.generation.residency import Residency
from workers.heart import Hold
from workers.recall import remember, sketch_texts
from workers.requests import requests_of
from workers.together import Together
from workers.worker import Worker

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A job with the engine of its release, which stays until ``using`` is closed."""

    job: Job
    engine: Engine
    using: ExitStack


@dataclass(frozen=True, slots=True)
class _Finished:
    """A job with what was generated for it."""

    job: Job
    generated: Sequence[Generated]
    sketches: Sequence[Sketch | None]


class Generator:
    """Generates the outputs of jobs."""

    def __init__(self, worker: Worker, engines: Residency) -> None:
        self.worker = worker
        self._engines = engines
        self._claims = Together(self._claim)
        self._seals = Together(self._seal)

    def generate(self, job_id: UUID) -> None:
        """Claim the job, generate its outputs, seal them and pass it on to scoring.

        Raises:
            JobMoved: Another worker has the job; there is nothing to do.
            NotInMemory: Its release is loaded first; then it is sent again.
        """
        claimed = self.worker.claim(job_id, self._claims)
        with claimed.using:
            self._generate(claimed.job, claimed.engine)

    def _claim(self, job_ids: Sequence[UUID]) -> list[_Claimed]:
        worker = self.worker
        with ExitStack() as undo:
            with worker.database.transaction() as session:
                jobs = leases.claim_generating(
                    session, job_ids, owner=worker.name, seconds=worker.settings.job_lease_seconds
                )
                # Before the commit: a job that would have to wait for its release is not claimed.
                claimed = [self._with_engine(job, undo.enter_context(ExitStack())) for job in jobs]
            undo.pop_all()
        return claimed

    def _with_engine(self, job: Job, using: ExitStack) -> _Claimed:
        held = self._engines.using(job.release_digest, job_id=job.id)
        return _Claimed(job, using.enter_context(held), using)

    def _generate(self, job: Job, engine: Engine) -> None:
        worker = self.worker
        try:
            with worker.heart.holding(job) as hold:
                futures = [
                    engine.submit(
                        each,
                        cancelled=hold.is_lost,
                        counted=partial(setitem, hold.new_tokens, each.index),
                    )
                    for each in requests_of(job)
                ]
                texts = [future.result() for future in futures]
            self._seals(_finished(job, texts))
        except GenerationCancelled:
            self._conclude(job, hold)
        except Invalid as never:
            worker.fail(job, never)
        except Conflict:
            raise
        except Exception as error:
            log.exception("generation failed", job=str(job.id))
            worker.hand_back(job, code="generation_failed", detail=kind_of(error))

    def _seal(self, finished: Sequence[_Finished]) -> list[None]:
        worker = self.worker
        with worker.database.transaction() as session:
            rows = leases.held_all(session, [each.job for each in finished])
            generated = [each.generated for each in finished]
            outputs = jobs.seal(session, list(zip(rows, generated, strict=True)), actor=worker.name)
            remember(session, rows, outputs, [each.sketches for each in finished])
            worker.dispatcher.send_all_after_commit(session, rows)
        worker.let_in(rows)
        return [None] * len(rows)

    def _conclude(self, job: Job, hold: Hold) -> None:
        """Move a job that was stopped, unless somebody else has moved it."""
        try:
            hold.check()
        except NotApproved as refusal:
            self.worker.fail(job, refusal)
        except ReleaseNotPublished as waiting:
            self.worker.hand_back(job, code=waiting.code, detail=str(waiting), blameless=True)


def _finished(job: Job, texts: Sequence[GeneratedText]) -> _Finished:
    return _Finished(
        job,
        [Generated(each.storable_text, each.token_ids, each.finish_reason) for each in texts],
        sketch_texts(job, [each.text for each in texts]),
    )
