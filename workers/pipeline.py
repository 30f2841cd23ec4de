"""What a worker does with a job: claim, generate, seal; claim, screen, settle.

Each step is one short transaction. No transaction is open while a model runs. Every write
names the fence of the lease, so a worker that was believed dead changes nothing.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from operator import setitem
from uuid import UUID

import structlog

from filters.contract import Sample
from filters.verdict import Verdict
from registry.access.gate import admit
from registry.access.model import Scope
from registry.db.session import Session
from registry.errors import (
    Conflict,
    Invalid,
    NotApproved,
    PromptNotScreened,
    ReleaseNotPublished,
)
from registry.jobs import leases
from registry.jobs import service as jobs
from registry.jobs.model import Job
from registry.jobs.service import Generated
from registry.jobs.states import JobState
from registry.prompts import service as prompts
from registry.receipts.service import Signer
from registry.verdicts import service as verdicts
from workers.duty import Duty, OutOfService
from workers.generation.engine import Engine, GeneratedText, GenerationCancelled
from workers.generation.residency import Residency
from workers.heart import Hold
from workers.recall import recall, remember, sketch_texts
from workers.requests import requests_of
from workers.screening import Screener
from workers.worker import Worker

log = structlog.get_logger(__name__)


class Generator:
    """Generates the outputs of jobs."""

    def __init__(self, worker: Worker, engines: Residency) -> None:
        self._worker = worker
        self._engines = engines

    def generate(self, job_id: UUID) -> None:
        """Claim the job, generate its outputs, seal them and pass it on to scoring.

        Raises:
            JobMoved: Another worker has the job; there is nothing to do.
            NotInMemory: Its release is loaded first; then it is sent again.
        """
        with ExitStack() as using:
            engines: list[Engine] = []

            def take(session: Session, job_id: UUID, *, owner: str, seconds: int) -> Job:
                # Before the commit: a job that would have to wait for its release is not claimed.
                job = leases.claim_generating(session, job_id, owner=owner, seconds=seconds)
                held = self._engines.using(job.release_digest, job_id=job_id)
                engines.append(using.enter_context(held))
                return job

            self._generate(self._worker.claim(job_id, take), *engines)

    def _generate(self, job: Job, engine: Engine) -> None:
        worker = self._worker
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
            self._seal(job, texts)
        except GenerationCancelled:
            self._conclude(job, hold)
        except Invalid as never:
            worker.fail(job, never)
        except Conflict:
            raise
        except Exception as error:
            log.exception("generation failed", job=str(job.id))
            worker.hand_back(job, code="generation_failed", detail=type(error).__name__)

    def _seal(self, job: Job, texts: Sequence[GeneratedText]) -> None:
        generated = [
            Generated(each.storable_text, each.token_ids, each.finish_reason) for each in texts
        ]
        sketches = sketch_texts(job, [each.text for each in generated])
        with self._worker.database.transaction() as session:
            row = leases.held(session, job)
            jobs.seal(session, row, generated=generated, actor=self._worker.name)
            remember(session, row, sketches)
            self._worker.dispatcher.send_after_commit(session, row)
        self._worker.let_in(job.release_id)

    def _conclude(self, job: Job, hold: Hold) -> None:
        """Move a job that was stopped, unless somebody else has moved it."""
        try:
            hold.check()
        except NotApproved as refusal:
            self._worker.fail(job, refusal)
        except ReleaseNotPublished as waiting:
            self._worker.hand_back(job, code=waiting.code, detail=str(waiting), blameless=True)


class Scorer:
    """Screens the outputs of jobs and their prompts, and releases or flags each output."""

    def __init__(self, worker: Worker, screener: Screener, signer: Signer, duty: Duty) -> None:
        self._worker = worker
        self.screener = screener
        self._signer = signer
        self._duty = duty

    def score(self, job_id: UUID) -> None:
        """Screen every sealed output of the job; release or flag each.

        The prompt is screened too: most policies only note what is found, and one that refuses
        prompts then refuses this job.

        Raises:
            JobMoved: Another worker has the job; there is nothing to do.
            OutOfService: This worker takes no more jobs; the sweep sends this one again.
        """
        worker = self._worker
        self._duty.check()
        job = worker.claim(job_id, leases.claim_scoring)
        try:
            with worker.heart.holding(job):
                samples, prompt = self._sealed(job)
                screened = self.screener.screen(samples)
                # Apart from the outputs, which a prompt that no filter can read must not flag.
                on_prompt = self.screener.screen(prompt) if prompt else []
            self._settle(job, samples, screened, on_prompt)
            worker.let_in(job.release_id)
        except PromptNotScreened as waiting:
            worker.hand_back(job, code=waiting.code, detail=str(waiting))
        except ReleaseNotPublished as waiting:
            worker.hand_back(job, code=waiting.code, detail=str(waiting))
        except OutOfService as ending:
            worker.hand_back(job, code="out_of_service", detail=str(ending), blameless=True)
        except NotApproved as refusal:
            worker.fail(job, refusal)
        except Conflict:
            raise
        except Exception as error:
            log.exception("scoring failed", job=str(job_id))
            worker.hand_back(job, code="scoring_failed", detail=type(error).__name__)

    def _sealed(self, job: Job) -> tuple[list[Sample], list[Sample]]:
        """Return the job's outputs; and its prompt, unless it was screened under this policy."""
        digest = self.screener.policy().digest
        with self._worker.database.reading() as session:
            samples = recall(session, job, days=self._worker.settings.campaign_days)
            known = prompts.under(session, job.id, policy_digest=digest)
        return samples, [] if known else [Sample(job.prompt)]

    def _settle(
        self,
        job: Job,
        samples: Sequence[Sample],
        screened: Sequence[Verdict],
        on_prompt: Sequence[Verdict],
    ) -> None:
        """Admit once more, then write and sign all verdicts and finish the job, or nothing.

        Under a policy that refuses its prompt the job fails, and its outputs stay unread.
        """
        signer = replace(self._signer, canaries_passed_at=self._duty.passed_at)
        with self._duty.settling(), self._worker.database.transaction() as session:
            row = leases.held(session, job)
            admit(
                session,
                account_id=row.account_id,
                release_id=row.release_id,
                scope=Scope.GENERATE,
                until_commit=True,
            )
            for verdict in on_prompt:
                prompts.record(
                    session,
                    job_id=row.id,
                    prompt=job.prompt,
                    verdict=verdict.to_record(),
                    actor=self._worker.name,
                )
            refused = prompts.refusal(session, row.id)
            if refused is not None:
                self._worker.advance_failed(session, row, refused)
                return
            jobs.advance(session, row, to=JobState.DONE, actor=self._worker.name)
            outputs = jobs.outputs_of(session, row)
            for output, sample, verdict in zip(outputs, samples, screened, strict=True):
                verdicts.settle(
                    session,
                    job=row,
                    output=output,
                    scored_text=sample.text,
                    verdict=verdict.to_record(),
                    signer=signer,
                )
