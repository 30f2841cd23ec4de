"""The engine on torch, with the weights and the configuration of a LLaMA of transformers.

Shapes: ``v`` tokens of the vocabulary.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future

import torch

from registry.errors import PromptTooLong
from workers.generation.batching import Batcher, Part
from workers.generation.cache import Cache
from workers.generation.engine import GeneratedText, GenerationRequest
from workers.generation.forward import Forward, Span
from workers.generation.loading import LoadedRelease
from workers.generation.room import Room
from workers.generation.row import Row
from workers.generation.sampling import BrokenLogits, choose

CACHE_BYTES = 1 << 30
ROWS = 64


class LlamaEngine:
    """Generates with one release; see ``engine.Engine`` for what its methods promise.

    In float32 on a CPU, whatever the files hold; in bfloat16 on a CUDA device, where there
    is one.

    Args:
        release: What to generate with; its model is taken over and cannot be used again.
        cache_bytes: Memory for the keys and values of all that runs at a time.
        rows: Most outputs that run at a time.
        device: Where to compute; by default on a CUDA device if there is one.
    """

    def __init__(
        self,
        release: LoadedRelease,
        *,
        cache_bytes: int = CACHE_BYTES,
        rows: int = ROWS,
        device: str | None = None,
    ) -> None:
        self._release = release
        chosen, dtype = placement(device)
        forward = Forward(release.model, device=chosen, dtype=dtype)
        cache = forward.new_cache(cache_bytes)
        self._batcher = Batcher(
            LlamaRows(forward, cache, vocab_size=release.tokenizer.vocab_size),
            room=Room(rows=rows, positions=cache.positions),
            name=f"engine-{release.digest[:12]}",
        )

    @property
    def release_digest(self) -> str:
        """The digest of the release whose weights these are."""
        return self._release.digest

    @property
    def context_tokens(self) -> int:
        """How many tokens a prompt and its new tokens may have together."""
        return self._release.context_tokens

    def submit(
        self,
        request: GenerationRequest,
        *,
        cancelled: Callable[[], bool],
        counted: Callable[[int], None] | None = None,
    ) -> Future[GeneratedText]:
        """Accept a request; its future ends with the text or with the reason there is none.

        Raises:
            PromptTooLong: Prompt and new tokens do not fit the context.
            Unavailable: The engine was closed.
        """
        row = Row(
            request,
            prompt_ids=self._release.tokenizer.encode(request.prompt),
            tokenizer=self._release.tokenizer,
            eos_ids=self._release.eos_ids,
            cancelled=cancelled,
            counted=counted,
        )
        if row.tokens_limit > self.context_tokens:
            raise PromptTooLong(
                prompt_tokens=len(row.prompt_ids),
                max_new_tokens=request.max_new_tokens,
                context_tokens=self.context_tokens,
            )
        self._batcher.put(row)
        return row.future

    def close(self) -> None:
        """Accept nothing more, and finish what was accepted."""
        self._batcher.close()


def placement(device: str | None = None) -> tuple[torch.device, torch.dtype]:
    """Return where to compute, and in which precision."""
    chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    return chosen, torch.bfloat16 if chosen.type == "cuda" else torch.float32


class LlamaRows:
    """Computes tokens for the rows that are running, as ``batching.Model`` describes.

    Args:
        forward: The model.
        cache: Where the keys and values of the rows are.
        vocab_size: How many tokens the tokenizer has; models may have more, which stand for
            nothing and are never chosen.
    """

    def __init__(self, forward: Forward, cache: Cache, *, vocab_size: int) -> None:
        self._forward = forward
        self._cache = cache
        self._vocab_size = vocab_size

    @torch.inference_mode()
    def run(self, parts: Sequence[Part]) -> list[int]:
        """Read what the rows add; return the next token of each that is whole."""
        ids = [token for part in parts for token in part.tokens]
        spans = [Span(part.begin, len(part.tokens)) for part in parts]
        logits = self._forward.logits(ids, spans, self._cache)  # (rows, v)
        whole = [place for place, part in enumerate(parts) if part.is_whole]
        if len(whole) < len(parts):
            logits = logits[whole]
        rows = [parts[place].row for place in whole]
        if not rows:
            return []
        try:
            return choose(
                logits[:, : self._vocab_size].float(),
                [row.request for row in rows],
                [len(row.token_ids) for row in rows],
            )
        except BrokenLogits:
            self._cache.clear()
            raise

    @torch.inference_mode()
    def reserve(self, limits: Sequence[int]) -> None:
        """Have room for so many rows, each with so many positions; keep what is there."""
        self._cache.reserve(limits)

    @torch.inference_mode()
    def move(self, places: Sequence[tuple[int, int, int]]) -> None:
        """Move rows: from a place, to a place, so many positions; in this order."""
        self._cache.move(places)
