"""The tasks: a name, a queue, one call.

A message is delivered at least once, so losing the race for a job is a success.
"""

from contextlib import suppress
from uuid import UUID

from celery import Celery

from registry.errors import JobMoved, UnknownJob
from workers.broker import GENERATE, SCORE, SCREEN_PROMPT
from workers.duty import OutOfService
from workers.generation.residency import NotInMemory
from workers.pipeline import Generator, Scorer
from workers.prompts import PromptScreen
from workers.shift import Shift


def register(
    app: Celery,
    *,
    shift: Shift,
    generator: Generator | None,
    scorer: Scorer | None,
    prompts: PromptScreen | None,
) -> None:
    """Attach the tasks of the parts that this process has."""
    if generator is not None:

        @app.task(name=GENERATE)  # type: ignore[untyped-decorator]
        def generate(job_id: str) -> None:
            """Generate one job's outputs."""
            identifier = UUID(job_id)
            with suppress(JobMoved, NotInMemory, UnknownJob), shift.running(identifier):
                generator.generate(identifier)

    if scorer is not None:

        @app.task(name=SCORE)  # type: ignore[untyped-decorator]
        def score(job_id: str) -> None:
            """Score one job's outputs."""
            identifier = UUID(job_id)
            with suppress(JobMoved, UnknownJob, OutOfService), shift.running(identifier):
                scorer.score(identifier)

    if prompts is not None:

        @app.task(name=SCREEN_PROMPT)  # type: ignore[untyped-decorator]
        def screen_prompt(job_id: str) -> None:
            """Screen one job's prompt, before anything is generated from it."""
            identifier = UUID(job_id)
            with suppress(JobMoved, UnknownJob, OutOfService), shift.running(identifier):
                prompts.screen(identifier)
