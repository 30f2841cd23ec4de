"""What a worker does with a job that is sealed: claim, recall, screen, settle.

Steps, transactions and fences are as in ``generator``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from uuid import UUID

import structlog

from filters.contract import Sample
from filters.verdict import Verdict
from registry.access.gate import admit_all
from registry.access.model import Scope
from registry.errors import Conflict, NotApproved, PromptNotScreened, ReleaseNotPublished
from registry.jobs import leases
from registry.jobs import service as jobs
from registry.jobs.model import Job
from registry.jobs.states import JobState
from registry.prompts import service as prompts
from registry.prompts.service import ScreenedPrompt
from registry.receipts.service import Signer
from registry.verdicts import service as verdicts
from registry.verdicts.service import Screened
from workers.duty import Duty, OutOfService
from workers.recall import recall
from workers.screening import Screener
from workers.together import Together
from workers.worker import Worker

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A job's outputs; and its prompt, unless it was screened under the policy in force."""

    outputs: list[Sample]
    prompt: list[Sample]


@dataclass(frozen=True, slots=True)
class _Screened:
    """A job with the verdicts on its outputs, and on its prompt if that was screened too."""

    job: Job
    outputs: Sequence[Sample]
    on_outputs: Sequence[Verdict]
    on_prompt: Sequence[Verdict]


class Scorer:
    """Screens the outputs of jobs and their prompts, and releases or flags each output."""

    def __init__(self, worker: Worker, screener: Screener, signer: Signer, duty: Duty) -> None:
        self._worker = worker
        self.screener = screener
        self._signer = signer
        self._duty = duty
        self._claims = worker.claims(leases.claim_scoring)
        self._recalls = Together(self._recall)
        self._screens = Together(self._screen)
        self._settles = Together(self._settle)

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
        job = worker.claim(job_id, self._claims)
        try:
            with worker.heart.holding(job):
                sealed = self._recalls(job)
                on_outputs, on_prompt = self._screens(sealed)
            self._settles(_Screened(job, sealed.outputs, on_outputs, on_prompt))
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

    def _recall(self, claimed: Sequence[Job]) -> list[_Sealed]:
        digest = self.screener.policy().digest
        with self._worker.database.reading() as session:
            found = recall(session, claimed, days=self._worker.settings.campaign_days)
            known = prompts.under(session, [job.id for job in claimed], policy_digest=digest)
        return [
            _Sealed(outputs, [] if job.id in known else [Sample(job.prompt)])
            for job, outputs in zip(claimed, found, strict=True)
        ]

    def _screen(self, sealed: Sequence[_Sealed]) -> list[tuple[list[Verdict], list[Verdict]]]:
        """Return the verdicts on each job's outputs, and on its prompt."""
        on_outputs = self._screen_all([each.outputs for each in sealed])
        # Apart from the outputs, which a prompt that no filter can read must not flag.
        on_prompts = self._screen_all([each.prompt for each in sealed])
        return list(zip(on_outputs, on_prompts, strict=True))

    def _screen_all(self, texts: Sequence[Sequence[Sample]]) -> list[list[Verdict]]:
        samples = [sample for of_job in texts for sample in of_job]
        verdicts = self.screener.screen(samples) if samples else []
        if len(verdicts) != len(samples):  # or one job would get the verdict of another
            raise ValueError("screening gave another number of verdicts than there are texts")
        found = iter(verdicts)
        return [list(islice(found, len(of_job))) for of_job in texts]

    def _settle(self, screened: Sequence[_Screened]) -> list[None]:
        """Admit once more, then write and sign all verdicts and finish the jobs, or nothing.

        Under a policy that refuses its prompt a job fails, and its outputs stay unread.
        """
        worker = self._worker
        signer = replace(self._signer, canaries_passed_at=self._duty.passed_at)
        with self._duty.settling(), worker.database.transaction() as session:
            rows = leases.held_all(session, [each.job for each in screened])
            uses = [(row.account_id, row.release_id) for row in rows]
            admit_all(session, uses, scope=Scope.GENERATE, until_commit=True)
            on_prompts = [
                ScreenedPrompt(each.job.id, each.job.prompt, verdict.to_record())
                for each in screened
                for verdict in each.on_prompt
            ]
            prompts.record(session, on_prompts, actor=worker.name)
            refused = prompts.refusals(session, [row.id for row in rows])
            for row in rows:
                if row.id in refused:
                    worker.advance_failed(session, row, refused[row.id])
            done = [row for row in rows if row.id not in refused]
            jobs.advance_all(session, done, to=JobState.DONE, actor=worker.name)
            by_job = {each.job.id: each for each in screened}
            on_outputs = [
                Screened(row, output, sample.text, verdict.to_record())
                for row, outputs in zip(done, jobs.outputs_of_all(session, done), strict=True)
                for output, sample, verdict in zip(
                    outputs, by_job[row.id].outputs, by_job[row.id].on_outputs, strict=True
                )
            ]
            verdicts.settle(session, on_outputs, signer=signer)
        worker.let_in(rows)
        return [None] * len(rows)
