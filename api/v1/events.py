"""Follow a job: server-sent events with states and token counts, never text.

A stream asks the records once a second and holds nothing between two questions, neither a
thread nor a transaction, so hundreds of them cost little.
"""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import anyio
from fastapi import APIRouter, Depends
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from api.dependencies import AllDoors, Reads
from api.identity import Researcher
from api.openapi import ROLE, problems
from api.v1.schemas.jobs import JobProgress, OutputProgress
from registry.db.session import Database
from registry.errors import UnknownJob
from registry.jobs import queries
from registry.jobs import service as jobs
from registry.jobs.states import is_final

LOOK_SECONDS = 1.0
STREAM_LOOKS = 300

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

    After five minutes the stream ends in any case: browsers connect again by themselves, and
    their token is checked again.
    """
    last: JobProgress | None = None
    for _ in range(STREAM_LOOKS):
        progress = await run_in_threadpool(_progress, parts.database, job_id)
        if progress != last:
            yield ServerSentEvent(event="progress", data=progress)
        if is_final(progress.state):
            return
        last = progress
        await anyio.sleep(LOOK_SECONDS)


def _progress(database: Database, job_id: UUID) -> JobProgress:
    with database.reading() as session:
        job = queries.get(session, job_id)
        outputs = [
            OutputProgress(
                index=each.index,
                state=each.state,
                tokens=None if each.token_ids is None else len(each.token_ids),
            )
            for each in jobs.outputs_of(session, job)
        ]
        return JobProgress(id=job.id, state=job.state, outputs=outputs)
