"""Where the jobs are that people follow: asked once for all streams of this process.

However many streams are open, the records get one question a second, and none while no stream
is open. A stream holds neither a thread nor a transaction between two looks.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from uuid import UUID

import anyio
from starlette.concurrency import run_in_threadpool

from registry.db.session import Database
from registry.jobs import progress
from registry.jobs.progress import Progress

LOOK_SECONDS = 1.0


class Following:
    """Looks after the jobs that the streams of one process follow; used by its event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._followed: Counter[UUID] = Counter()
        self._look: _Look | None = None

    async def follow(self, job_id: UUID) -> AsyncGenerator[Progress]:
        """Yield where a job is, now and after every look; its stream decides when to end."""
        self._followed[job_id] += 1
        try:
            yield (await self._read([job_id]))[job_id]
            while True:
                found = await self._next_look()
                if job_id in found:  # one that came during a look is in the next
                    yield found[job_id]
        finally:
            self._followed[job_id] -= 1
            if not self._followed[job_id]:
                del self._followed[job_id]

    async def _next_look(self) -> Mapping[UUID, Progress]:
        """Wait for the next look. Who comes first makes it, for all who come meanwhile."""
        look = self._look
        if look is not None:
            await look.done.wait()
            return look.found
        look = self._look = _Look()
        try:
            await anyio.sleep(LOOK_SECONDS)
            look.found = await self._read(list(self._followed))
        finally:
            # A look that was broken off with its stream found nothing; the next one is near.
            self._look = None
            look.done.set()
        return look.found

    async def _read(self, job_ids: list[UUID]) -> Mapping[UUID, Progress]:
        return await run_in_threadpool(_read, self._database, job_ids)


class _Look:
    """One look into the records, and what it found."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.found: Mapping[UUID, Progress] = {}


def _read(database: Database, job_ids: list[UUID]) -> Mapping[UUID, Progress]:
    with database.reading() as session:
        return progress.of(session, job_ids)
