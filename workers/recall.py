"""What workers remember of outputs, and what they recall of a researcher's other ones."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from filters.contract import Sample, Sketch
from filters.sketches import bands_of, sketch_of
from registry.clock import now
from registry.db.session import Session
from registry.jobs.model import Job, Output
from registry.jobs.service import outputs_of_all
from registry.sketches import service as sketches
from registry.sketches.model import SketchRecord
from registry.sketches.service import Remembered


def sketch_texts(job: Job, texts: Sequence[str]) -> list[Sketch | None]:
    """Return a sketch of each text of a job, where it is long enough to have one."""
    samples = [Sample(text, job.prompt, job.echo) for text in texts]
    return [sketch_of(sample.text[sample.begins :]) for sample in samples]


def remember(
    session: Session,
    jobs: Sequence[Job],
    outputs: Sequence[Sequence[UUID]],
    made: Sequence[Sequence[Sketch | None]],
) -> None:
    """Write the sketches of the outputs of jobs in the transaction that seals them."""
    sketches.remember(
        session,
        [
            Remembered(
                job.account_id, output, sketch.signature, sketch.slots, tuple(bands_of(sketch))
            )
            for job, names, of_job in zip(jobs, outputs, made, strict=True)
            for output, sketch in zip(names, of_job, strict=True)
            if sketch is not None
        ],
    )


def recall(session: Session, jobs: Sequence[Job], *, days: int) -> list[list[Sample]]:
    """Return the sealed texts of each job, each with what may be its near-copies.

    They are of the same researcher and not older than ``days``: other outputs of the job, of
    finished jobs, and of jobs that wait to be scored.
    """
    outputs = outputs_of_all(session, jobs)
    bands = _bands(session, outputs)
    asked: dict[UUID, set[int]] = {job.account_id: set() for job in jobs}
    for job, of_job in zip(jobs, outputs, strict=True):
        asked[job.account_id].update(*(bands[output.id] for output in of_job))
    since = now() - timedelta(days=days)
    found = {
        account_id: [
            (row.output_id, _sketch(row), set(bands_of(_sketch(row))))
            for row in sketches.like(session, account_id=account_id, bands=wanted, since=since)
        ]
        for account_id, wanted in asked.items()
    }
    return [
        [
            Sample(
                output.text or "",
                job.prompt,
                job.echo,
                tuple(
                    sketch
                    for output_id, sketch, keys in found[job.account_id]
                    if output_id != output.id and keys & bands[output.id]
                ),
            )
            for output in of_job
        ]
        for job, of_job in zip(jobs, outputs, strict=True)
    ]


def _bands(session: Session, outputs: Sequence[Sequence[Output]]) -> dict[UUID, set[int]]:
    """Return under which bands each output is found; those without a sketch under none."""
    found: dict[UUID, set[int]] = {output.id: set() for of_job in outputs for output in of_job}
    for row in sketches.of_outputs(session, found):
        found[row.output_id] = set(bands_of(_sketch(row)))
    return found


def _sketch(row: SketchRecord) -> Sketch:
    return Sketch(row.signature, row.slots)
