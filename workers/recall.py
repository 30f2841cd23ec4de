"""What workers remember of outputs, and what they recall of a researcher's other ones."""

from collections.abc import Sequence
from datetime import timedelta

from filters.contract import Sample, Sketch
from filters.sketches import bands_of, sketch_of
from registry.clock import now
from registry.db.session import Session
from registry.jobs import service as jobs
from registry.jobs.model import Job
from registry.sketches import service as sketches
from registry.sketches.model import SketchRecord
from registry.sketches.service import Remembered


def sketch_texts(job: Job, texts: Sequence[str]) -> list[Sketch | None]:
    """Return a sketch of each text of a job, where it is long enough to have one."""
    samples = [Sample(text, job.prompt, job.echo) for text in texts]
    return [sketch_of(sample.text[sample.begins :]) for sample in samples]


def remember(session: Session, job: Job, made: Sequence[Sketch | None]) -> None:
    """Write the sketches of a job's outputs in the transaction that seals them."""
    outputs = jobs.outputs_of(session, job)
    sketches.remember(
        session,
        account_id=job.account_id,
        sketches=[
            Remembered(output.id, sketch.signature, sketch.slots, tuple(bands_of(sketch)))
            for output, sketch in zip(outputs, made, strict=True)
            if sketch is not None
        ],
    )


def recall(session: Session, job: Job, *, days: int) -> list[Sample]:
    """Return the sealed texts of a job, each with what may be its near-copies.

    They are of the same researcher and not older than ``days``: other outputs of the job, of
    finished jobs, and of jobs that wait to be scored.
    """
    outputs = jobs.outputs_of(session, job)
    own = sketches.of_outputs(session, [output.id for output in outputs])
    found = sketches.like(
        session,
        account_id=job.account_id,
        bands={band for row in own for band in bands_of(_sketch(row))},
        since=now() - timedelta(days=days),
    )
    return [
        Sample(
            output.text or "",
            job.prompt,
            job.echo,
            tuple(_sketch(row) for row in found if row.output_id != output.id),
        )
        for output in outputs
    ]


def _sketch(row: SketchRecord) -> Sketch:
    return Sketch(row.signature, row.slots)
