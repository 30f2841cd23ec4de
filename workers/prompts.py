"""Screen the prompts of jobs before anything is generated from them, where the policy says so.

The job stays queued meanwhile, under a lease; it is generated, or ends, by what the verdict is.
"""

from uuid import UUID

import structlog

from filters.contract import Sample
from filters.verdict import NOT_SCORED, Verdict
from registry.errors import Conflict, PromptNotScreened
from registry.jobs import leases
from registry.jobs.model import Job
from registry.prompts import service as prompts
from registry.prompts.service import ScreenedPrompt
from workers.duty import Duty, OutOfService
from workers.screening import Screener
from workers.worker import Worker

log = structlog.get_logger(__name__)


class PromptScreen:
    """Lets prompts through to generation, or ends their jobs."""

    def __init__(self, worker: Worker, screener: Screener, duty: Duty) -> None:
        self._worker = worker
        self._claims = worker.claims(leases.claim_screening)
        self._screener = screener
        self._duty = duty

    def screen(self, job_id: UUID) -> None:
        """Screen the job's prompt; pass the job on, or fail it.

        A prompt that a filter could not score is tried again, as long as there are attempts
        left, and refused after that.

        Raises:
            JobMoved: Another worker has the job; there is nothing to do.
            OutOfService: This worker takes no more jobs; the sweep sends this one again.
        """
        worker = self._worker
        self._duty.check()
        job = worker.claim(job_id, self._claims)
        try:
            with worker.heart.holding(job):
                [verdict] = self._screener.screen([Sample(job.prompt)])
            if _only_unscored(verdict) and job.attempts < worker.settings.job_attempts_limit:
                worker.hand_back(job, code="prompt_not_scored", detail="tried again")
            else:
                self._conclude(job, verdict)
        except OutOfService as ending:
            worker.hand_back(job, code="out_of_service", detail=str(ending), blameless=True)
        except Conflict:
            raise
        except Exception as error:
            log.exception("screening a prompt failed", job=str(job_id))
            worker.hand_back(job, code="screening_failed", detail=type(error).__name__)

    def _conclude(self, job: Job, verdict: Verdict) -> None:
        """Write the verdict, and move the job by what the policy in force makes of it."""
        worker = self._worker
        with self._duty.settling(), worker.database.transaction() as session:
            row = leases.held(session, job)
            screened = ScreenedPrompt(row.id, job.prompt, verdict.to_record())
            prompts.record(session, [screened], actor=worker.name)
            try:
                refused = prompts.refusals(session, [row.id]).get(row.id)
            except PromptNotScreened:  # another policy came into force meanwhile
                refused = None
            if refused is None:
                leases.pass_on(session, row)
                worker.dispatcher.send_after_commit(session, row)
            else:
                worker.advance_failed(session, row, refused)


def _only_unscored(verdict: Verdict) -> bool:
    """Return whether a prompt is flagged for nothing but that a filter did not score it."""
    return bool(verdict.flagged_by) and all(flag.label == NOT_SCORED for flag in verdict.flagged_by)
