"""What a body asks of the engine, in range and with a seed."""

import secrets

from api.v1.schemas.jobs import PromptSubmission
from registry.jobs.parameters import SEED_LIMIT, Parameters
from registry.settings import Settings


def parameters_of(body: PromptSubmission, settings: Settings) -> Parameters:
    """Return what the engine will be asked for; a seed that was left out is drawn.

    Raises:
        BadParameters: One is out of range.
    """
    parameters = Parameters(
        max_new_tokens=body.max_new_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        seed=secrets.randbelow(SEED_LIMIT + 1) if body.seed is None else body.seed,
        n=body.n,
        stop=tuple(body.stop),
        echo=body.echo,
    )
    parameters.check(
        outputs_limit=settings.outputs_limit, new_tokens_limit=settings.new_tokens_limit
    )
    return parameters
