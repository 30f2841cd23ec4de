"""Choosing the next token.

Shapes: ``b`` rows, ``v`` tokens of the vocabulary.

A choice is a function of the row's own logits, its parameters, its seed, its output index
and the position, and of nothing else: not of the other rows, the order of the work or the
device. The random numbers are not drawn from a running generator but looked up by seed,
index and position, so any one of them can be had again without those before it.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workers.generation.engine import GenerationRequest


class BrokenLogits(ArithmeticError):
    """The model computed NaN or infinity; its weights or the arithmetic are broken."""


def choose(
    logits: Tensor, requests: Sequence[GenerationRequest], positions: Sequence[int]
) -> list[int]:
    """Choose a token for every row.

    The likeliest where the temperature is 0. Elsewhere a sample from the softmax of logits
    over temperature, restricted to ``top_k``, then to ``top_p`` of what is left.

    Args:
        logits: ``(b, v)``, floating point, any device; not modified.
        requests: ``b`` of them, for their parameters.
        positions: How many new tokens each row has already.

    Raises:
        BrokenLogits: A row's greatest logit is no finite number.
    """
    greatest, likeliest = logits.max(dim=-1)  # both (b,)
    if not bool(greatest.isfinite().all()):
        raise BrokenLogits("the model computed numbers that are not finite")
    tokens: list[int] = likeliest.tolist()
    drawn = [place for place, request in enumerate(requests) if request.temperature > 0]
    if not drawn:
        return tokens
    scores = preferences(
        logits[drawn],
        [requests[place] for place in drawn],
        [positions[place] for place in drawn],
    )  # (b, v), b now the drawn rows
    for place, token in zip(drawn, scores.argmax(dim=-1).tolist(), strict=True):
        tokens[place] = token
    return tokens


def preferences(
    logits: Tensor, requests: Sequence[GenerationRequest], positions: Sequence[int]
) -> Tensor:
    """Return what the chosen token has the most of: logits over temperature, with the noise.

    Args:
        logits: ``(b, v)``, floating point, any device; not modified.
        requests: ``b`` of them, with temperatures above 0.
        positions: How many new tokens each row has already.

    Returns:
        ``(b, v)`` in double precision, ``-inf`` for a token that ``top_k`` or ``top_p`` drops.
    """
    # The greatest logit is taken off first, so that no temperature makes a row overflow.
    shifted = (logits - logits.amax(dim=-1, keepdim=True)).double()  # (b, v)
    scaled = shifted / _column([request.temperature for request in requests], logits)
    kept = keep_top_k(scaled, [request.top_k for request in requests])
    kept = keep_nucleus(kept, [request.top_p for request in requests])
    noise = np.stack(
        [
            gumbel_noise(
                seed=request.seed,
                index=request.index,
                position=position,
                size=logits.shape[-1],
            )
            for request, position in zip(requests, positions, strict=True)
        ]
    )  # (b, v)
    return kept + torch.from_numpy(noise).to(logits.device)


def gumbel_noise(*, seed: int, index: int, position: int, size: int) -> NDArray[np.float64]:
    """Return the random numbers of one choice, each from the standard Gumbel distribution.

    The largest of logits plus such noise is at a place that is distributed as their softmax.
    The noise comes from a counter-based generator keyed by seed and output index; each
    position has a range of 2**64 counters to itself.

    Returns:
        ``(v,)`` with ``v = size``, a function of the arguments alone.

    Source: Maddison, Tarlow and Minka, "A* Sampling", NeurIPS 2014, section 2 (the Gumbel-max
    trick); Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011, section 3.3
    (Philox), as numpy has it.
    """
    generator = np.random.Philox(
        key=np.array([seed, index], dtype=np.uint64),
        counter=np.array([0, position, 0, 0], dtype=np.uint64),
    )
    # The upper 53 bits, in the middle of their interval: never 0 and never 1.
    uniform = ((generator.random_raw(size) >> np.uint64(11)) + 0.5) * 2.0**-53
    noise: NDArray[np.float64] = -np.log(-np.log(uniform))
    return noise


def keep_top_k(logits: Tensor, top_k: Sequence[int]) -> Tensor:
    """Mask every token that is less likely than the ``top_k`` likeliest of its row.

    Tokens as likely as the last of them stay too.

    Args:
        logits: ``(b, v)``, floating point, any device; not modified.
        top_k: ``b`` numbers; 0, or more than ``v``, keeps all.

    Returns:
        ``(b, v)``, same dtype and device, ``-inf`` where a token was dropped.

    Source: Fan, Lewis and Dauphin, "Hierarchical Neural Story Generation", ACL 2018,
    section 5.1.
    """
    size = logits.shape[-1]
    counts = [min(count or size, size) for count in top_k]
    most = max((count for count in counts if count < size), default=0)
    if most == 0:
        return logits
    ranked = logits.topk(most, dim=-1).values  # (b, most)
    last = [min(count, most) - 1 for count in counts]
    lowest = ranked.gather(-1, torch.tensor(last, device=logits.device)[:, None])  # (b, 1)
    keeps_all = torch.tensor(counts, device=logits.device)[:, None] == size  # (b, 1)
    return logits.masked_fill((logits < lowest) & ~keeps_all, -torch.inf)


def keep_nucleus(logits: Tensor, top_p: Sequence[float]) -> Tensor:
    """Mask every token outside the smallest set that holds ``top_p`` of its row's mass.

    Tokens as likely as the last of them stay too. The most likely token always survives, so
    a row never becomes all ``-inf``.

    Args:
        logits: ``(b, v)``, floating point, any device; not modified.
        top_p: ``b`` probabilities above 0 and at most 1; 1 keeps all.

    Returns:
        ``(b, v)``, same dtype and device, ``-inf`` where a token was dropped.

    Source: Holtzman et al., "The Curious Case of Neural Text Degeneration", ICLR 2020,
    section 3.1.
    """
    if min(top_p) >= 1.0:
        return logits
    mass = _column(top_p, logits)  # (b, 1)
    restricted = mass < 1.0  # (b, 1)
    share = logits.softmax(dim=-1)  # (b, v)
    ranked = _descending(share)  # (b, v)
    # A token stays when those before it do not hold top_p of the mass.
    count = (ranked.cumsum(dim=-1) - ranked < mass).sum(dim=-1, keepdim=True)  # (b, 1)
    lowest = ranked.gather(-1, count.clamp(min=1) - 1)  # (b, 1)
    return logits.masked_fill((share < lowest) & restricted, -torch.inf)


def _descending(values: Tensor) -> Tensor:
    """Return every row sorted; on a CPU by numpy, which takes a twentieth of torch's time."""
    if values.device.type == "cpu":
        return torch.from_numpy(np.sort(values.numpy(), axis=-1)).flip(-1)
    return values.sort(dim=-1, descending=True).values


def _column(values: Sequence[float], like: Tensor) -> Tensor:
    """Return ``(b, 1)`` numbers in double precision on the device of another tensor."""
    return torch.tensor(values, dtype=torch.float64, device=like.device)[:, None]
