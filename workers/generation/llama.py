"""The engine on torch and the LLaMA of transformers.

Shapes: ``b`` rows, ``t`` positions, ``v`` tokens of the vocabulary.

Prompts that join together are read in one pass, padded at their ends: a causal model never
looks there from a real position, so the padding changes nothing. After that each step adds
one token to every row. Rows share matrix products and nothing else.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future

import torch
from torch import Tensor
from transformers import LlamaForCausalLM

from registry.errors import PromptTooLong
from workers.generation.assembly import place
from workers.generation.batching import Batcher, Room
from workers.generation.cache import PromptCache, RowCache
from workers.generation.engine import GeneratedText, GenerationRequest
from workers.generation.loading import LoadedRelease
from workers.generation.row import Row
from workers.generation.sampling import choose


class LlamaEngine:
    """Generates with one release; see ``engine.Engine`` for what its methods promise.

    In float32 on a CPU, whatever the files hold; in bfloat16 on a CUDA device, where there
    is one.
    """

    def __init__(
        self, release: LoadedRelease, *, room: Room | None = None, device: str | None = None
    ) -> None:
        self._release = release
        chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        precision = torch.bfloat16 if chosen.type == "cuda" else torch.float32
        place(release.model, device=chosen, dtype=precision)
        self._batcher = Batcher(
            LlamaRows(release.model, vocab_size=release.tokenizer.vocab_size),
            room=room or Room(),
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
        self, request: GenerationRequest, *, cancelled: Callable[[], bool]
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


class LlamaRows:
    """Computes tokens for the rows that are running, as ``batching.Model`` describes.

    Args:
        model: Where its weights are is where the work is done.
        vocab_size: How many tokens the tokenizer has; models may have more, which stand for
            nothing and are never chosen.
    """

    def __init__(self, model: LlamaForCausalLM, *, vocab_size: int) -> None:
        self._model = model
        self._vocab_size = vocab_size
        self._device = model.lm_head.weight.device
        self._cache = RowCache(self._device)

    @torch.inference_mode()
    def join(self, rows: Sequence[Row]) -> list[int]:
        """Read the prompts of rows that join behind the others; return their first tokens."""
        lengths = [len(row.prompt_ids) for row in rows]
        prompts = PromptCache()
        tokens = _choose(self._read(rows, lengths, prompts), rows)
        self._cache.join(
            prompts.tensors, lengths=lengths, room=max(row.tokens_limit for row in rows)
        )
        return tokens

    @torch.inference_mode()
    def step(self, rows: Sequence[Row]) -> list[int]:
        """Return the next token of every row."""
        positions, mask = self._cache.begin_step()  # (b, 1), (b, 1, 1, t)
        last = [[row.token_ids[-1]] for row in rows]
        hidden = self._model.model(
            input_ids=torch.tensor(last, device=self._device),  # (b, 1)
            position_ids=positions,
            attention_mask=mask,
            past_key_values=self._cache,
            use_cache=True,
        ).last_hidden_state
        return _choose(self._logits(hidden[:, 0]), rows)

    def keep(self, places: Sequence[int]) -> None:
        """Hold only the rows at these places from here on, in this order."""
        self._cache.keep(places)

    def _read(self, rows: Sequence[Row], lengths: Sequence[int], prompts: PromptCache) -> Tensor:
        """Fill the cache with the rows' prompts; return what follows each, ``(b, v)``."""
        longest = max(lengths)
        padded = [[*row.prompt_ids, *[0] * (longest - len(row.prompt_ids))] for row in rows]
        hidden = self._model.model(
            input_ids=torch.tensor(padded, device=self._device),  # (b, t)
            past_key_values=prompts,
            use_cache=True,
        ).last_hidden_state
        ends = torch.tensor(lengths, device=self._device) - 1  # (b,)
        return self._logits(hidden[torch.arange(len(rows), device=self._device), ends])

    def _logits(self, hidden: Tensor) -> Tensor:
        """Return ``(b, v)`` logits in float32 for ``(b, hidden)`` states."""
        logits: Tensor = self._model.lm_head(hidden)
        return logits[:, : self._vocab_size].float()


def _choose(logits: Tensor, rows: Sequence[Row]) -> list[int]:
    return choose(logits, [row.request for row in rows], [len(row.token_ids) for row in rows])
