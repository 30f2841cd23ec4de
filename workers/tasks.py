"""The tasks: a name, a queue, one call.

A message is delivered at least once, so losing the race for a job is a success.
"""

from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from celery import Celery

from registry.errors import JobMoved, UnknownJob
from workers.broker import GENERATE, SCORE, SCREEN_PROMPT
from workers.duty import OutOfService
from workers.generation.residency import NotInMemory
from workers.shift import Shift

Work = Callable[[UUID], None]


def register(
    app: Celery,
    *,
    shift: Shift,
    generate: Work | None,
    score: Work | None,
    screen_prompt: Work | None,
) -> None:
    """Attach the tasks of the parts that this process has; each is called with a job."""
    if generate is not None:

        @app.task(name=GENERATE)  # type: ignore[untyped-decorator]
        def generate_job(job_id: str) -> None:
            """Generate one job's outputs."""
            identifier = UUID(job_id)
            with suppress(JobMoved, NotInMemory, UnknownJob), shift.running(identifier):
                generate(identifier)

    if score is not None:

        @app.task(name=SCORE)  # type: ignore[untyped-decorator]
        def score_job(job_id: str) -> None:
            """Score one job's outputs."""
            identifier = UUID(job_id)
            with suppress(JobMoved, UnknownJob, OutOfService), shift.running(identifier):
                score(identifier)

    if screen_prompt is not None:

        @app.task(name=SCREEN_PROMPT)  # type: ignore[untyped-decorator]
        def screen_prompt_of(job_id: str) -> None:
            """Screen one job's prompt, before anything is generated from it."""
            identifier = UUID(job_id)
            with suppress(JobMoved, UnknownJob, OutOfService), shift.running(identifier):
                screen_prompt(identifier)
