"""Follow a job: server-sent events with states and token counts, never text."""

import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.dependencies import AllDoors, Reads
from api.identity import Researcher
from api.openapi import ROLE, problems
from api.v1.schemas.jobs import JobProgress, OutputProgress
from registry.errors import UnknownJob
from registry.jobs import queries
from registry.jobs.progress import Progress
from registry.jobs.states import is_final

STREAM_SECONDS = 300

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


def _owned(identifier: UUID, account: Researcher, session: Reads) -> UUID:
    """Check that the job is the caller's, before the stream begins."""
    return queries.owned(session, identifier, owner=account).id


@router.get(
    "/{identifier}/events",
    summary="Follow a job",
    response_class=EventSourceResponse,
    responses=problems(*ROLE, UnknownJob),
)
async def follow_job(
    job_id: Annotated[UUID, Depends(_owned)], parts: AllDoors
) -> AsyncIterator[ServerSentEvent]:
    """Send an event `progress` whenever the job or an output moved, until it is final.

    While an output is generated its number of tokens grows about once a second. After five
    minutes the stream ends in any case: browsers connect again by themselves, and their token
    is checked again.
    """
    ends_at = time.monotonic() + STREAM_SECONDS
    last: Progress | None = None
    async with aclosing(parts.following.follow(job_id)) as looks:
        async for progress in looks:
            if progress != last:
                yield ServerSentEvent(event="progress", data=_shown(job_id, progress))
            if is_final(progress.state) or time.monotonic() > ends_at:
                return
            last = progress


def _shown(job_id: UUID, progress: Progress) -> JobProgress:
    return JobProgress(
        id=job_id,
        state=progress.state,
        outputs=[
            OutputProgress(index=each.index, state=each.state, tokens=each.new_tokens)
            for each in progress.outputs
        ],
    )
