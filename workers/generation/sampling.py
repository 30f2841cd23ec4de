"""Choosing the next token.

Shapes: ``b`` rows, ``v`` tokens of the vocabulary.

A choice is a function of the row's own logits, its parameters, its seed, its output index
and the position, and of nothing else: not of the other rows, the order of the work or the
device. The random numbers are not drawn from a running generator but looked up by seed,
index and position, so any one of them can be had again without those before it.

Wherever the model runs, this is done in numpy: the tokens that are left after ``top_p`` are few,
and it sorts, and has noise for, no others.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workers.generation.engine import GenerationRequest

Floats: TypeAlias = NDArray[np.float64]


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
    rows = logits.float().cpu().numpy()  # (b, v)
    likeliest = rows.argmax(axis=-1)  # (b,)
    if not np.isfinite(np.take_along_axis(rows, likeliest[:, None], axis=-1)).all():
        raise BrokenLogits("the model computed numbers that are not finite")
    tokens: list[int] = likeliest.tolist()
    drawn = [place for place, request in enumerate(requests) if request.temperature > 0]
    if not drawn:
        return tokens
    scores = preferences(
        rows if len(drawn) == len(rows) else rows[drawn],
        [requests[place] for place in drawn],
        [positions[place] for place in drawn],
    )  # (b, v), b now the drawn rows
    for place, token in zip(drawn, scores.argmax(axis=-1).tolist(), strict=True):
        tokens[place] = token
    return tokens


def preferences(
    logits: NDArray[np.float32], requests: Sequence[GenerationRequest], positions: Sequence[int]
) -> Floats:
    """Return what the chosen token has the most of: logits over temperature, with the noise.

    Args:
        logits: ``(b, v)``, not modified.
        requests: ``b`` of them, with temperatures above 0.
        positions: How many new tokens each row has already.

    Returns:
        ``(b, v)``, ``-inf`` for a token that ``top_k`` or ``top_p`` drops.
    """
    # The greatest logit is taken off first, so that no temperature makes a row overflow.
    scaled = (logits - logits.max(axis=-1, keepdims=True)).astype(np.float64)  # (b, v)
    with np.errstate(over="ignore"):  # to -inf, which is as unlikely as it looks
        scaled /= _column([request.temperature for request in requests])
    kept = keep_top_k(scaled, [request.top_k for request in requests])
    kept = keep_nucleus(kept, [request.top_p for request in requests])
    return _with_noise(kept, requests, positions)


def _with_noise(
    kept: Floats, requests: Sequence[GenerationRequest], positions: Sequence[int]
) -> Floats:
    """Return ``(b, v)`` with the noise of each choice added to every token that was not dropped."""
    numbers = np.empty(kept.shape, dtype=np.uint64)  # (b, v)
    for row, request, position in zip(numbers, requests, positions, strict=True):
        row[:] = _numbers(request.seed, request.index, position, row.size)
    left = np.isfinite(kept)  # (b, v)
    if left.all():
        return kept + _gumbel(numbers)
    places = np.flatnonzero(left)
    noisy = np.full(kept.shape, -np.inf)
    noisy.ravel()[places] = kept.ravel()[places] + _gumbel(numbers.ravel()[places])
    return noisy


def gumbel_noise(*, seed: int, index: int, position: int, size: int) -> Floats:
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
    return _gumbel(_numbers(seed, index, position, size))


def _numbers(seed: int, index: int, position: int, size: int) -> NDArray[np.uint64]:
    """Return the generator's numbers of one choice, ``(v,)``."""
    generator = np.random.Philox(
        key=np.array([seed, index], dtype=np.uint64),
        counter=np.array([0, position, 0, 0], dtype=np.uint64),
    )
    return generator.random_raw(size)


def _gumbel(numbers: NDArray[np.uint64]) -> Floats:
    """Return what the standard Gumbel distribution has where the generator has these numbers."""
    # The upper 53 bits, in the middle of their interval: never 0 and never 1.
    uniform = ((numbers >> np.uint64(11)) + 0.5) * 2.0**-53
    noise: Floats = -np.log(-np.log(uniform))
    return noise


def keep_top_k(logits: Floats, top_k: Sequence[int]) -> Floats:
    """Mask every token that is less likely than the ``top_k`` likeliest of its row.

    Tokens as likely as the last of them stay too.

    Args:
        logits: ``(b, v)``, not modified.
        top_k: ``b`` numbers; 0, or more than ``v``, keeps all.

    Returns:
        ``(b, v)``, ``-inf`` where a token was dropped.

    Source: Fan, Lewis and Dauphin, "Hierarchical Neural Story Generation", ACL 2018,
    section 5.1.
    """
    size = logits.shape[-1]
    counts = np.array([min(count or size, size) for count in top_k])  # (b,)
    lowest = np.full((len(counts), 1), -np.inf)  # (b, 1)
    for count in set(counts.tolist()) - {size}:
        alike = counts == count  # (b,)
        lowest[alike] = np.partition(logits[alike], size - count, axis=-1)[:, [size - count]]
    return logits if np.isneginf(lowest).all() else np.where(logits < lowest, -np.inf, logits)


def keep_nucleus(logits: Floats, top_p: Sequence[float]) -> Floats:
    """Mask every token outside the smallest set that holds ``top_p`` of its row's mass.

    Tokens as likely as the last of them stay too. The most likely token always survives, so
    a row never becomes all ``-inf``.

    Args:
        logits: ``(b, v)``, not modified.
        top_p: ``b`` probabilities above 0 and at most 1; 1 keeps all.

    Returns:
        ``(b, v)``, ``-inf`` where a token was dropped.

    Source: Holtzman et al., "The Curious Case of Neural Text Degeneration", ICLR 2020,
    section 3.1.
    """
    if min(top_p) >= 1.0:
        return logits
    mass = _column(top_p)  # (b, 1)
    share = torch.from_numpy(logits).softmax(dim=-1).numpy()  # (b, v)
    ranked = _likeliest(share, mass)  # (b, m)
    # A token stays when those before it do not hold top_p of the mass.
    count = (ranked.cumsum(axis=-1) - ranked < mass).sum(axis=-1, keepdims=True)  # (b, 1)
    lowest = np.take_along_axis(ranked, np.maximum(count, 1) - 1, axis=-1)  # (b, 1)
    return np.where(share < np.where(mass < 1.0, lowest, 0.0), -np.inf, logits)


def _likeliest(share: Floats, mass: Floats) -> Floats:
    """Return the greatest shares of every row, descending: at least those that hold its mass.

    Sorting would take most of the time of a choice, and few tokens of a vocabulary are likely.
    Those that are left out of a row hold less than half of what its nucleus may leave out.

    Args:
        share: ``(b, v)``, probabilities.
        mass: ``(b, 1)``; of rows with 1 or more, which have no nucleus, nothing is returned.

    Returns:
        ``(b, m)``, filled up with zeros.
    """
    size = share.shape[-1]
    # A row without a nucleus has no share that is above this.
    least = np.where(mass < 1.0, (1.0 - mass) / (2 * size), 2.0)  # (b, 1)
    likely = share >= least  # (b, v)
    counts = np.count_nonzero(likely, axis=-1)  # (b,)
    places = np.flatnonzero(likely)
    rows = np.repeat(np.arange(len(counts)), counts)
    columns = np.arange(len(places)) - np.repeat(counts.cumsum() - counts, counts)
    ranked = np.zeros((len(counts), max(1, int(counts.max()))))  # (b, m)
    ranked[rows, columns] = share.ravel()[places]
    ranked.sort(axis=-1)
    return ranked[:, ::-1]


def _column(values: Sequence[float]) -> Floats:
    """Return ``(b, 1)`` numbers."""
    return np.array(values, dtype=np.float64)[:, None]
