"""The engine's numbers are those of transformers."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import LlamaForCausalLM

from tests.support.llamas import Shape, load_folder, write_llama
from workers.generation.cache import Cache
from workers.generation.forward import Forward, Span

LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 500_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
SHAPES = {
    "grouped heads, tied": Shape(),
    "all heads, untied": Shape(kv_heads=4, tied=False, seed=1),
    "one head for all, in parts": Shape(kv_heads=1, shards=3, tied=False, seed=2),
    "float16": Shape(dtype=torch.float16, layers=3, hidden=48, heads=6, seed=3),
    "LLaMA 3": Shape(rope=LLAMA3_ROPE, seed=4),
    "biases": Shape(biases=True, seed=5),
}
CPU = torch.device("cpu")
LIMIT = 1e-4
TEXTS = (
    "The fox",
    "It was a quiet morning, and nobody was there to see it.",
    "",
    "There is a small garden behind the house",
)

each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))


class Both:
    """The same weights in our engine and in transformers."""

    def __init__(self, folder: Path, shape: Shape) -> None:
        write_llama(folder, shape)
        release = load_folder(folder)
        self.reference = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
        self.reference.train(mode=False)
        self.forward = Forward(release.model, device=CPU, dtype=torch.float32)
        self.cache = self.forward.new_cache(1 << 22)
        tail = release.tokenizer.encode(" house and then the rain came down")[1:]
        self.rows = [[*release.tokenizer.encode(text), *tail] for text in TEXTS]

    def run(self, rows: Sequence[Sequence[int]], spans: Sequence[Span]) -> Tensor:
        """Compute a step: of each row the tokens of its span."""
        ids = [
            token
            for row, span in zip(rows, spans, strict=True)
            for token in row[span.begin : span.end]
        ]
        return self.forward.logits(ids, spans, self.cache)

    def differ(self, ours: Tensor, rows: Sequence[Sequence[int]], ends: Sequence[int]) -> float:
        """Return how far the logits after the first ``ends`` tokens of each row are apart."""
        theirs = [
            self.reference(torch.tensor([row[:end]])).logits[0, -1]
            for row, end in zip(rows, ends, strict=True)
        ]
        return (ours - torch.stack(theirs)).abs().max().item()


@each_shape
@torch.inference_mode()
def test_prompts_of_different_lengths_have_the_logits_of_transformers(
    shape: Shape, tmp_path: Path
) -> None:
    both = Both(tmp_path, shape)
    both.cache.reserve([len(row) for row in both.rows])

    ours = both.run(both.rows, [Span(0, len(row)) for row in both.rows])

    assert both.differ(ours, both.rows, [len(row) for row in both.rows]) <= LIMIT


@each_shape
@torch.inference_mode()
def test_what_is_read_in_parts_has_the_logits_of_what_is_read_at_once(
    shape: Shape, tmp_path: Path
) -> None:
    both = Both(tmp_path, shape)
    rows = both.rows[:2]
    both.cache.reserve([len(row) for row in rows])

    both.run(rows, [Span(0, 5), Span(0, 3)])
    ours = both.run(rows, [Span(5, 1), Span(3, 8)])

    assert both.differ(ours, rows, [6, 11]) <= LIMIT


@each_shape
@torch.inference_mode()
def test_rows_that_add_a_token_each_have_the_logits_they_have_alone(
    shape: Shape, tmp_path: Path
) -> None:
    both = Both(tmp_path, shape)
    both.cache.reserve([len(row) for row in both.rows])
    ends = [len(row) - 4 for row in both.rows]

    both.run(both.rows, [Span(0, end) for end in ends])
    for _ in range(4):
        ours = both.run(both.rows, [Span(end, 1) for end in ends])
        ends = [end + 1 for end in ends]

        assert both.differ(ours, both.rows, ends) <= LIMIT


@torch.inference_mode()
def test_a_row_that_moves_and_a_cache_that_is_laid_out_anew_lose_nothing(tmp_path: Path) -> None:
    both = Both(tmp_path, Shape())
    rows = both.rows
    both.cache.reserve([len(row) for row in rows])
    ends = [len(row) - 1 for row in rows]
    both.run(rows, [Span(0, end) for end in ends])

    both.cache.move([(3, 0, ends[3])])
    both.cache.reserve([120, len(rows[1])])
    kept = [rows[3], rows[1]]
    ours = both.run(kept, [Span(ends[3], 1), Span(ends[1], 1)])

    assert both.differ(ours, kept, [len(row) for row in kept]) <= LIMIT


def test_a_cache_takes_no_more_than_its_budget() -> None:
    cache = Cache(
        layers=2, heads=2, head_dim=8, budget_bytes=100_000, device=CPU, dtype=torch.float32
    )
    each = 2 * 2 * 2 * 8 * 4

    assert cache.positions == 100_000 // each
    with pytest.raises(ValueError, match="more rows"):
        cache.reserve([cache.positions] * 2)
