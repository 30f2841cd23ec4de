"""Whether a stored text came from these weights, with this seed.

All its tokens are read at once, so that one pass gives the logits that each was chosen from.
With the seed's noise added, the token that is stored must be the one that has the most, or
miss that by less than rounding explains. The text must be what its tokens spell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from registry.checkpoints.tokenizer import Tokenizer
from workers.generation.cache import Cache
from workers.generation.engine import GenerationRequest
from workers.generation.forward import Forward, Span
from workers.generation.row import Row
from workers.generation.sampling import preferences

MARGIN = 1e-3
"""How much of a logit arithmetic in another order may change; about 100 times what it does."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What was found.

    Attributes:
        tokens: How many new tokens there are.
        differs_at: The first of them that would not have been chosen, counted from 0; ``None``
            if all would.
        shortfall: By how much the stored tokens miss the greatest at most, up to that one; in
            logits over temperature.
        text_fits: Whether the text, and the reason why it ended, are what the tokens give.
    """

    tokens: int
    differs_at: int | None
    shortfall: float
    text_fits: bool

    @property
    def holds(self) -> bool:
        """Whether the text came from these weights with this seed."""
        return self.differs_at is None and self.text_fits


@torch.inference_mode()
def replay(
    forward: Forward,
    cache: Cache,
    request: GenerationRequest,
    *,
    tokenizer: Tokenizer,
    eos_ids: frozenset[int],
    token_ids: Sequence[int],
    text: str,
    finish_reason: str,
) -> Replay:
    """Compute an output again from its tokens.

    Args:
        forward: The weights.
        cache: Has room for the prompt and the tokens; what it held is overwritten.
        request: What the output was generated from.
        tokenizer: Of the release.
        eos_ids: Tokens that end a text.
        token_ids: The new tokens.
        text: As it is stored.
        finish_reason: As it is stored.
    """
    row = Row(
        request,
        prompt_ids=tokenizer.encode(request.prompt),
        tokenizer=tokenizer,
        eos_ids=eos_ids,
        cancelled=lambda: False,
    )
    known = [token for token in token_ids if 0 <= token < tokenizer.vocab_size]
    fits = len(known) == len(token_ids) and _spells(row, token_ids, text, finish_reason)
    if not known or len(known) < len(token_ids):
        return Replay(len(token_ids), 0, 0.0, text_fits=False)
    whole = [*row.prompt_ids, *known]
    cache.reserve([len(whole)])
    states = forward.states(whole[:-1], [Span(0, len(whole) - 1)], cache)
    read = forward.head(states[len(row.prompt_ids) - 1 :])[:, : tokenizer.vocab_size]
    logits = read.float().cpu().numpy()  # (t, v)
    if request.temperature > 0:
        scores = preferences(logits, [request] * len(known), range(len(known)))  # (t, v)
    else:
        scores = logits.astype(np.float64)
    stored = scores[np.arange(len(known)), known]  # (t,)
    short = (scores.max(axis=-1) - stored).tolist()
    margin = MARGIN * max(1.0, 1.0 / request.temperature if request.temperature else 1.0)
    # What is not a number does not hold either.
    differs_at = next((at for at, by in enumerate(short) if not by <= margin), None)
    return Replay(len(known), differs_at, max(short[:differs_at], default=0.0), fits)


def _spells(row: Row, token_ids: Sequence[int], text: str, finish_reason: str) -> bool:
    """Return whether the tokens give this text, and end it where it ends."""
    for token in token_ids:
        if row.is_finished:
            return False
        row.push(token)
    if not row.is_finished:
        return False
    row.finish()
    made = row.future.result()
    return (made.storable_text, made.finish_reason) == (text, finish_reason)
