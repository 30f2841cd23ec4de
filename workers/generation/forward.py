"""LLaMA's arithmetic over the rows of a step.

Shapes: ``n`` tokens of all rows in a row, ``w`` width, ``q`` query heads, ``h`` key/value heads,
``g = q / h`` queries that share a key, ``d`` numbers per head, ``t`` positions.

All tokens of a step, whoever they belong to, go through each product together; only attention
tells rows apart. The numbers are those of ``LlamaForCausalLM`` of transformers, whose
configuration and weights these are.

Source: Touvron et al., "LLaMA: Open and Efficient Foundation Language Models", 2023, section 2.2;
Ainslie et al., "GQA", EMNLP 2023.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaRMSNorm

from workers.generation.cache import Cache
from workers.generation.products import Product, product


@dataclass(frozen=True, slots=True)
class Span:
    """The tokens of one row in a step.

    Attributes:
        begin: The position of the first.
        count: How many.
    """

    begin: int
    count: int

    @property
    def end(self) -> int:
        """The position after the last."""
        return self.begin + self.count


@dataclass(frozen=True, slots=True)
class _Layer:
    before_attention: Tensor  # (w,)
    qkv: Product
    out: Product
    before_feed_forward: Tensor  # (w,)
    gate_up: Product
    down: Product


class Forward:
    """The model, its weights laid out for the device; it takes over the one it is made from."""

    def __init__(
        self, model: LlamaForCausalLM, *, device: torch.device, dtype: torch.dtype
    ) -> None:
        config = model.config
        self._device = device
        self._eps: float = config.rms_norm_eps
        self._heads: int = config.num_attention_heads
        self._kv_heads: int = config.num_key_value_heads or self._heads
        self._head_dim: int = model.model.layers[0].self_attn.head_dim
        self._rotary = model.model.rotary_emb.to(device)
        # A looked-up row is exact in the precision of the file, at half the size of float32.
        self._embedding = model.model.embed_tokens.weight.detach().to(device)
        self._dtype = dtype
        self._norm = self._weight(model.model.norm)
        self._layers = [self._laid_out(layer) for layer in model.model.layers]
        self._head = self._product(model.lm_head)

    def new_cache(self, budget_bytes: int) -> Cache:
        """Return an empty cache for its keys and values, of at most ``budget_bytes``."""
        return Cache(
            layers=len(self._layers),
            heads=self._kv_heads,
            head_dim=self._head_dim,
            budget_bytes=budget_bytes,
            device=self._device,
            dtype=self._dtype,
        )

    def logits(self, ids: Sequence[int], spans: Sequence[Span], cache: Cache) -> Tensor:
        """Read tokens and return what follows the last of each row, ``(rows, v)``.

        Args:
            ids: ``n`` tokens, those of the first row first.
            spans: For each row in its place of the cache, which tokens are its own.
            cache: Holds everything before them; what they add is written to it.
        """
        ends = np.cumsum([span.count for span in spans]) - 1  # (rows,)
        return self.head(self.states(ids, spans, cache)[torch.from_numpy(ends).to(self._device)])

    def head(self, states: Tensor) -> Tensor:
        """Return the ``(m, v)`` logits that follow ``(m, w)`` states."""
        return self._head(self._normed(states, self._norm))

    def states(self, ids: Sequence[int], spans: Sequence[Span], cache: Cache) -> Tensor:
        """Read tokens and return what the last layer makes of each, ``(n, w)``.

        Args:
            ids: As ``logits`` takes them.
            spans: As ``logits`` takes them.
            cache: As ``logits`` takes it.
        """
        positions = torch.tensor(
            [at for span in spans for at in range(span.begin, span.end)], device=self._device
        )  # (n,)
        hidden = functional.embedding(torch.tensor(ids, device=self._device), self._embedding).to(
            self._dtype
        )  # (n, w)
        cos, sin = self._rotary(hidden[None], positions[None])  # both (1, n, d)
        half = self._head_dim // 2
        turn = cos[0, :, None, :half], sin[0, :, None, :half]  # both (n, 1, d/2)
        look = _Look(spans, positions, device=self._device, dtype=self._dtype)
        for number, layer in enumerate(self._layers):
            mixed = self._attend(layer, hidden, turn, look, cache.layer(number))
            hidden = hidden + layer.out(mixed)
            gate, up = layer.gate_up(self._normed(hidden, layer.before_feed_forward)).chunk(2, -1)
            hidden = hidden + layer.down(functional.silu(gate) * up)
        return hidden

    def _attend(
        self,
        layer: _Layer,
        hidden: Tensor,
        turn: tuple[Tensor, Tensor],
        look: "_Look",
        memory: tuple[Tensor, Tensor],
    ) -> Tensor:
        """Return ``(n, q * d)``, having written the keys and values of these tokens."""
        count, shared = len(hidden), self._heads + self._kv_heads
        mixed = layer.qkv(self._normed(hidden, layer.before_attention))
        heads = mixed.view(count, shared + self._kv_heads, self._head_dim)  # (n, q + 2h, d)
        turned = _rotate(heads[:, :shared], *turn)  # (n, q + h, d)
        queries, keys, values = (
            turned[:, : self._heads],
            turned[:, self._heads :],
            heads[:, shared:],
        )
        return look.attend(queries, keys, values, memory)

    def _normed(self, hidden: Tensor, weight: Tensor) -> Tensor:
        return functional.rms_norm(hidden, (hidden.shape[-1],), weight, self._eps)

    def _laid_out(self, layer: LlamaDecoderLayer) -> _Layer:
        attention, feed_forward = layer.self_attn, layer.mlp
        return _Layer(
            before_attention=self._weight(layer.input_layernorm),
            qkv=self._product(attention.q_proj, attention.k_proj, attention.v_proj),
            out=self._product(attention.o_proj),
            before_feed_forward=self._weight(layer.post_attention_layernorm),
            gate_up=self._product(feed_forward.gate_proj, feed_forward.up_proj),
            down=self._product(feed_forward.down_proj),
        )

    def _product(self, *layers: nn.Linear) -> Product:
        return product(layers, device=self._device, dtype=self._dtype)

    def _weight(self, layer: LlamaRMSNorm) -> Tensor:
        """Return ``(w,)``, what a normalisation multiplies by."""
        return layer.weight.detach().to(self._device, self._dtype)


class _Look:
    """Which positions the tokens of a step may look at; the same in every layer."""

    def __init__(
        self,
        spans: Sequence[Span],
        positions: Tensor,
        *,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        # Rows that add one token come first, and are looked after together.
        self._going = next((at for at, span in enumerate(spans) if span.count > 1), len(spans))
        self._spans = spans
        going = spans[: self._going]
        self._longest = max((span.end for span in going), default=0)
        self._rows = torch.arange(self._going, device=device)
        self._at = positions[: self._going]
        self._mask: Tensor | None = None  # (rows, 1, 1, t)
        if going and min(span.end for span in going) < self._longest:
            beyond = torch.arange(self._longest, device=device) > self._at[:, None]
            self._mask = torch.zeros(beyond.shape, device=device, dtype=dtype).masked_fill_(
                beyond, -torch.inf
            )[:, None, None]
        self._causal = [
            _causal(span, device) if span.begin else None for span in spans[self._going :]
        ]

    def attend(
        self, queries: Tensor, keys: Tensor, values: Tensor, memory: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Write keys and values ``(n, h, d)`` and return ``(n, q * d)`` for the queries."""
        heads, head_dim = queries.shape[1:]
        kv_heads = keys.shape[1]
        old_keys, old_values = memory
        parts = []
        if self._going:
            old_keys[self._rows, :, self._at] = keys[: self._going]
            old_values[self._rows, :, self._at] = values[: self._going]
            found = functional.scaled_dot_product_attention(
                # Queries that share a key are as good as queries of several positions.
                queries[: self._going].reshape(self._going, kv_heads, -1, head_dim),
                old_keys[: self._going, :, : self._longest],
                old_values[: self._going, :, : self._longest],
                attn_mask=self._mask,
            )  # (rows, h, g, d)
            parts.append(found.reshape(self._going, heads * head_dim))
        first = self._going
        for place, span in enumerate(self._spans[self._going :], start=self._going):
            own = slice(first, first + span.count)
            old_keys[place, :, span.begin : span.end] = keys[own].transpose(0, 1)
            old_values[place, :, span.begin : span.end] = values[own].transpose(0, 1)
            found = functional.scaled_dot_product_attention(
                queries[own].transpose(0, 1)[None],
                old_keys[None, place, :, : span.end],
                old_values[None, place, :, : span.end],
                attn_mask=self._causal[place - self._going],
                is_causal=not span.begin,
                enable_gqa=heads != kv_heads,
            )  # (1, q, count, d)
            parts.append(found[0].transpose(0, 1).reshape(span.count, heads * head_dim))
            first += span.count
        return parts[0] if len(parts) == 1 else torch.cat(parts)


def _causal(span: Span, device: torch.device) -> Tensor:
    """Return ``(count, t)``, true where a token of the span may look."""
    at = torch.arange(span.begin, span.end, device=device)
    return torch.arange(span.end, device=device) <= at[:, None]


def _rotate(heads: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Return the heads turned by their positions; pairs are the two halves of a head."""
    one, other = heads.chunk(2, -1)
    return torch.cat((one * cos - other * sin, other * cos + one * sin), dim=-1)
