"""One output on its way: what it is asked for, what it has so far, why it ended.

Torch-free. A row is used by the thread that submits it until it is handed to the engine,
and by the engine's thread alone from then on; only its future is shared.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future

from registry.checkpoints.tokenizer import Tokenizer
from workers.generation.engine import (
    FinishReason,
    GeneratedText,
    GenerationCancelled,
    GenerationRequest,
)
from workers.generation.stopping import UntilStop


class Row:
    """A request with its tokens, its text and its future.

    Attributes:
        request: What was asked for.
        prompt_ids: The prompt's tokens.
        token_ids: The new tokens.
        future: Ends with the text.
        is_finished: Whether no more tokens are wanted.
        read: How many of its tokens the model has read.
    """

    def __init__(
        self,
        request: GenerationRequest,
        *,
        prompt_ids: Sequence[int],
        tokenizer: Tokenizer,
        eos_ids: frozenset[int],
        cancelled: Callable[[], bool],
        counted: Callable[[int], None] | None = None,
    ) -> None:
        self.request = request
        self.prompt_ids = prompt_ids
        self.token_ids: list[int] = []
        self.future: Future[GeneratedText] = Future()
        self.is_finished = False
        self.read = 0
        self._reason: FinishReason = "length"
        self._eos_ids = eos_ids
        self._cancelled = cancelled
        self._counted = counted
        self._decoder = tokenizer.continue_after(prompt_ids)
        self._text = UntilStop(request.stop)

    @property
    def tokens_limit(self) -> int:
        """How many tokens it can come to, prompt included."""
        return len(self.prompt_ids) + self.request.max_new_tokens

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody wants the text any more."""
        return self.future.cancelled() or self._cancelled()

    def push(self, token: int) -> None:
        """Take the next token; afterwards ``is_finished`` says whether it was the last."""
        self.token_ids.append(token)
        if self._counted is not None:
            self._counted(len(self.token_ids))
        if token in self._eos_ids:
            self.is_finished, self._reason = True, "end"
        elif self._text.push(self._decoder.push(token)):
            self.is_finished, self._reason = True, "stop"
        else:
            self.is_finished = len(self.token_ids) == self.request.max_new_tokens

    def finish(self) -> None:
        """Answer with the text."""
        prompt = self.request.prompt if self.request.echo else ""
        self.future.set_result(
            GeneratedText(
                text=prompt + self._text.text,
                finish_reason=self._reason,
                token_ids=tuple(self.token_ids),
                prompt_tokens=len(self.prompt_ids),
            )
        )

    def cancel(self) -> None:
        """Answer that the request was cancelled."""
        self.fail(GenerationCancelled("the request was cancelled before its text was finished"))

    def fail(self, error: Exception) -> None:
        """Answer that there is no text, and why."""
        # Its holder may cancel a future that still waits, at any moment.
        if self.future.running() or self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)
