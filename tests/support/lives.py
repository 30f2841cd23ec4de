"""The life of a job step by step, with the calls that the doors and the workers make."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from fastapi import Response

from api.dependencies import Doors
from api.v1.jobs import submit_job
from api.v1.schemas.jobs import JobSubmission
from filters.policy import default_policy
from registry.access.gate import admit
from registry.access.model import Scope
from registry.accounts.model import Account
from registry.jobs import bulk, leases
from registry.jobs import service as jobs
from registry.jobs.intake import Line
from registry.jobs.model import Job
from registry.jobs.service import Generated
from registry.jobs.states import JobState, OutputState
from registry.releases.model import Release
from registry.reviews import service as reviews
from registry.verdicts import service as verdicts
from registry.verdicts.service import Screened
from tests.support import rows
from workers.recall import recall, remember, sketch_texts

LEASE_SECONDS = 60
WORKER = "benchmark"
LONG, SHORT = 60, 6
"""Words of a text; the short ones have no sketch."""

_LETTERS = str.maketrans("0123456789", "abcdefghij")


@dataclass
class Lives:
    """Jobs of one database, moved as the service moves them.

    Attributes:
        doors: What routes work with.
        release: What is generated with.
        made: How many texts were made, so that no two are alike.
    """

    doors: Doors
    release: Release
    made: int = 0

    def submit(self, account: Account, *, n: int = 1) -> UUID:
        """Submit a job as a caller does who sends an idempotency key."""
        body = JobSubmission(
            prompt="Once upon a time there was", release=self.release.name, n=n, seed=1
        )
        return submit_job(body, account, self.doors, uuid4().hex, Response()).id

    def claim_generating(self, job_id: UUID) -> Job:
        """Lease it to generate."""
        with self.doors.database.transaction() as session:
            [job] = leases.claim_generating(session, [job_id], owner=WORKER, seconds=LEASE_SECONDS)
            return job

    def renew(self, job: Job) -> None:
        """Beat once: ask which leases are held, and renew this one."""
        with self.doors.database.reading() as session:
            leases.still_held(session, [job])
        with self.doors.database.transaction() as session:
            leases.renew(session, [job], seconds=LEASE_SECONDS)

    def seal(self, claimed: Job, *, words: int = LONG) -> None:
        """Store its texts with their sketches, and send it on."""
        generated = [self._text(words) for _ in range(claimed.n)]
        sketches = sketch_texts(claimed, [each.text for each in generated])
        with self.doors.database.transaction() as session:
            row = leases.held(session, claimed)
            outputs = jobs.seal(session, [(row, generated)], actor=WORKER)
            remember(session, [row], outputs, [sketches])
            self.doors.dispatcher.send_after_commit(session, row)

    def claim_scoring(self, job_id: UUID) -> Job:
        """Lease it to score."""
        with self.doors.database.transaction() as session:
            [job] = leases.claim_scoring(session, [job_id], owner=WORKER, seconds=LEASE_SECONDS)
            return job

    def recall(self, job: Job) -> None:
        """Read its texts with what may be their near-copies."""
        with self.doors.database.reading() as session:
            recall(session, [job], days=self.doors.settings.campaign_days)

    def settle(self, claimed: Job, decision: str = "release") -> None:
        """Write verdicts and receipts, and finish it."""
        with self.doors.database.transaction() as session:
            row = leases.held(session, claimed)
            admit(
                session, account_id=row.account_id, release_id=row.release_id, scope=Scope.GENERATE
            )
            jobs.advance(session, row, to=JobState.DONE, actor=WORKER)
            verdict = rows.verdict(decision, policy_digest=default_policy().digest)
            screened = [
                Screened(row, output, output.text or "", verdict)
                for output in jobs.outputs_of(session, row)
            ]
            verdicts.settle(session, screened, signer=rows.SIGNER)

    def finish(self, job_id: UUID, decision: str = "release", *, words: int = LONG) -> None:
        """Take a job from its queue to its verdict."""
        self.seal(self.claim_generating(job_id), words=words)
        self.settle(self.claim_scoring(job_id), decision)

    def end(self, job_id: UUID, to: JobState) -> None:
        """Fail or cancel a job that waits."""
        with self.doors.database.transaction() as session:
            job = session.get_one(Job, job_id)
            jobs.advance(session, job, to=to, actor=WORKER)

    def decide(self, reviewer: Account, to: OutputState) -> None:
        """Decide the newest review."""
        with self.doors.database.transaction() as session:
            review = reviews.page(session, state=None, limit=1, cursor=None).rows[0]
            reviews.claim(session, review=review, reviewer=reviewer)
            reviews.decide(session, review=review, reviewer=reviewer, to=to, reason="benchmark")

    def bulk(self, account: Account, lines: int) -> list[UUID]:
        """Submit a bulk; return its jobs."""
        given = [
            Line(f"prompt {number}", rows.PARAMETERS, custom_id=str(number))
            for number in range(lines)
        ]
        with self.doors.database.transaction() as session:
            made = bulk.submit(
                session, account=account, release=self.release, lines=given, sha256="0" * 64
            )
            identifier = made.id
        with self.doors.database.reading() as session:
            found = session.query(Job.id).where(Job.bulk_id == identifier)
            return [each.id for each in found]

    def some(self, account: Account, reviewer: Account) -> int:
        """Finish twenty jobs in all the ways there are; return how many."""
        for number in range(13):
            words = SHORT if number % 4 else LONG
            self.finish(self.submit(account, n=1 + number // 12), words=words)
        for to in (OutputState.RELEASED, OutputState.WITHHELD):
            self.finish(self.submit(account), "flag")
            self.decide(reviewer, to)
        for job_id in self.bulk(account, 3):
            self.finish(job_id, words=SHORT)
        self.end(self.submit(account), JobState.FAILED)
        self.end(self.submit(account), JobState.CANCELLED)
        return 20

    def _text(self, words: int) -> Generated:
        self.made += 1
        numbers = (str(self.made * 997 + each) for each in range(words))
        text = " ".join(numbers).translate(_LETTERS)
        return Generated(text, tuple(range(64)), "length")
