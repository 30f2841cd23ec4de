"""What a job asks of the engine."""

from registry.jobs.model import Job
from workers.generation.engine import GenerationRequest


def requests_of(job: Job) -> list[GenerationRequest]:
    """Return one request for each output of a job."""
    return [
        GenerationRequest(
            prompt=job.prompt,
            max_new_tokens=job.max_new_tokens,
            temperature=job.temperature,
            top_p=job.top_p,
            top_k=job.top_k,
            seed=job.seed,
            index=index,
            stop=tuple(job.stop),
            echo=job.echo,
        )
        for index in range(job.n)
    ]
