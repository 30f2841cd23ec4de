"""What an engine is, for all who only use one; no tensors here.

Requests are submitted one output at a time and answered by futures, so an engine may run
them alone, in batches, or let them join and leave at every step: nobody outside can tell.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal, Protocol

from registry.errors import Conflict

FinishReason = Literal["stop", "length", "end"]

_SEED_LIMIT = 2**64


class GenerationCancelled(Conflict):
    """The request was cancelled before its text was finished."""

    code = "generation_cancelled"


class EngineFault(RuntimeError):
    """An engine failed with an error that is none of ours; its log says where.

    Attributes:
        kind: The name of the error's class.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(f"the engine failed with {kind}")
        self.kind = kind


def kind_of(error: BaseException) -> str:
    """Return the name of an error's class, wherever it was raised."""
    return error.kind if isinstance(error, EngineFault) else type(error).__name__


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """One output to generate.

    Attributes:
        prompt: Any text; it may be empty.
        max_new_tokens: At least 1.
        temperature: 0 for the likeliest token each time; above, logits are divided by it.
        top_p: Probability mass to sample from, above 0, at most 1.
        top_k: Number of likeliest tokens to sample from; 0 for all.
        seed: 0 to 2**64 - 1.
        index: Which of its job's outputs this is, from 0; sets its random numbers apart.
        stop: Strings that end the text; looked for in what is generated, not in the prompt.
        echo: Whether the text is to begin with the prompt.

    Raises:
        ValueError: A value is out of range.
    """

    prompt: str
    max_new_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0
    index: int = 0
    stop: tuple[str, ...] = ()
    echo: bool = False

    def __post_init__(self) -> None:
        in_range = {
            "max_new_tokens": self.max_new_tokens >= 1,
            "temperature": 0.0 <= self.temperature < float("inf"),
            "top_p": 0.0 < self.top_p <= 1.0,
            "top_k": self.top_k >= 0,
            "seed": 0 <= self.seed < _SEED_LIMIT,
            "index": 0 <= self.index < _SEED_LIMIT,
            "stop": all(self.stop),
        }
        wrong = [name for name, holds in in_range.items() if not holds]
        if wrong:
            raise ValueError(f"out of range: {', '.join(wrong)}")


@dataclass(frozen=True, slots=True)
class GeneratedText:
    """One output.

    Attributes:
        text: What was generated, after the exact prompt if that was to be echoed. It holds
            neither the stop string nor an unfinished character at its end.
        finish_reason: A stop string was met, all tokens were used, or the model ended.
        token_ids: The new tokens, with the one that ended the text.
        prompt_tokens: How many tokens the prompt had, begin-of-sequence included.
    """

    text: str
    finish_reason: FinishReason
    token_ids: tuple[int, ...]
    prompt_tokens: int

    @property
    def storable_text(self) -> str:
        """The text as it is stored and scored: PostgreSQL keeps no NUL."""
        return self.text.replace("\0", "\ufffd")


class Engine(Protocol):
    """Generates with the weights of one release; may be used by many threads at once."""

    @property
    def release_digest(self) -> str:
        """The digest of the release whose weights these are."""

    @property
    def context_tokens(self) -> int:
        """How many tokens a prompt and its new tokens may have together."""

    def submit(
        self,
        request: GenerationRequest,
        *,
        cancelled: Callable[[], bool],
        counted: Callable[[int], None] | None = None,
    ) -> Future[GeneratedText]:
        """Accept a request; its future ends with the text or with the reason there is none.

        Args:
            request: What to generate.
            cancelled: Asked before every step, from another thread; must be quick. Once it
                says yes, the future ends with ``GenerationCancelled``.
            counted: Told how many new tokens there are, after each of them, from another
                thread; must be quick.

        Raises:
            PromptTooLong: Prompt and new tokens do not fit the context. This and the next may
                come by the future instead.
            Unavailable: The engine was closed.
        """

    def close(self) -> None:
        """Accept nothing more, finish what was accepted, and give back the resources."""
