"""How much may run at a time. Torch-free."""

from collections.abc import Sequence
from dataclasses import dataclass

from registry.errors import PromptTooLong
from workers.generation.row import Row

SPAN_STEP = 64


@dataclass(frozen=True, slots=True)
class Room:
    """How much may run at a time.

    Attributes:
        rows: Most rows.
        positions: Most rows times positions of the longest, the size of the cache.
        chunk: Most tokens of prompts that are read in one step.
    """

    rows: int = 64
    positions: int = 16_384
    chunk: int = 256

    def fits(self, rows: Sequence[Row]) -> bool:
        """Return whether these may run together."""
        longest = max((row.tokens_limit for row in rows), default=0)
        return len(rows) <= self.rows and len(rows) * span_of(longest) <= self.positions

    def check(self, row: Row) -> None:
        """Check that a row could run alone.

        Raises:
            PromptTooLong: It could not.
        """
        if span_of(row.tokens_limit) > self.positions:
            raise PromptTooLong(
                prompt_tokens=len(row.prompt_ids),
                max_new_tokens=row.request.max_new_tokens,
                context_tokens=self.positions // SPAN_STEP * SPAN_STEP,
            )


def span_of(limit: int) -> int:
    """Return how many positions a row gets that can come to ``limit``."""
    return -(-limit // SPAN_STEP) * SPAN_STEP
