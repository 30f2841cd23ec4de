"""What all that is compared is asked for: the same prompts, parameters and seeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

TEMPERATURE = 0.8
TOP_P = 0.95
PROMPTS = (
    "Once upon a time",
    "The old house stood at the end of the road, and",
    "Nobody knew",
    "In the middle of the garden there was a tree, whose apples",
    "It was late in the evening when",
    "The history of the lighthouse",
    "A letter came on a Tuesday, and in it",
    "She opened the door",
)


def wishes(jobs: int, tokens: int, *, first: int = 0) -> Iterator[dict[str, Any]]:
    """Yield what to submit for each job.

    Args:
        jobs: How many.
        tokens: New ones for each.
        first: The seed of the first; the others follow. Filters remember texts that they have
            seen, so whatever is scored more than once must have other seeds each time.
    """
    for number in range(first, first + jobs):
        yield {
            "prompt": PROMPTS[number % len(PROMPTS)],
            "max_new_tokens": tokens,
            "temperature": TEMPERATURE,
            "top_p": TOP_P,
            "seed": number,
        }
