"""Replay a stored job: did its outputs come from this release, with this seed?"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import torch

from registry.checkpoints.digest import Progress
from registry.db.session import Database
from registry.errors import NothingToReplay
from registry.jobs import queries
from registry.jobs import service as jobs
from registry.jobs.model import Job, Output
from registry.releases import queries as releases
from registry.releases.store import Store
from registry.settings import Settings
from workers.generation.forward import Forward
from workers.generation.loading import LoadedRelease, load_release
from workers.generation.replay import Replay, replay
from workers.requests import requests_of


@dataclass(frozen=True, slots=True)
class ReplayedOutput:
    """One output of the job, and what was found.

    Attributes:
        index: Which of the job's outputs it is, from 0.
        replay: What was found.
    """

    index: int
    replay: Replay


def replay_job(
    settings: Settings, database: Database, job_id: UUID, *, progress: Progress | None = None
) -> list[ReplayedOutput]:
    """Compute every output of a job again, in float32 on the processor.

    Args:
        settings: Where the store is, and how much memory the cache may take.
        database: The records.
        job_id: The job.
        progress: Called with a number of bytes of the release that were verified.

    Raises:
        UnknownJob: There is no such job.
        NothingToReplay: Nothing was generated for it.
        TamperedRelease: The weights at hand are not those that were registered.
        Unavailable: A file of the release cannot be read.
    """
    with database.reading() as session:
        job = queries.get(session, job_id)
        outputs = [each for each in jobs.outputs_of(session, job) if each.token_ids is not None]
        if not outputs:
            raise NothingToReplay(job_id, state=job.state)
        manifest = releases.manifest_for_digest(session, job.release_digest)
    store = Store(settings.store_dir)
    release = load_release(
        manifest,
        expected_digest=job.release_digest,
        path_of=store.path_of,
        progress=progress,
    )
    return _replayed(release, job, outputs, cache_bytes=settings.cache_mebibytes << 20)


def _replayed(
    release: LoadedRelease, job: Job, outputs: Sequence[Output], *, cache_bytes: int
) -> list[ReplayedOutput]:
    forward = Forward(release.model, device=torch.device("cpu"), dtype=torch.float32)
    cache = forward.new_cache(cache_bytes)
    requests = requests_of(job)
    return [
        ReplayedOutput(
            each.index,
            replay(
                forward,
                cache,
                requests[each.index],
                tokenizer=release.tokenizer,
                eos_ids=release.eos_ids,
                token_ids=each.token_ids or (),
                text=each.text or "",
                finish_reason=each.finish_reason or "",
            ),
        )
        for each in outputs
    ]
