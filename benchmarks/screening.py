"""How fast outputs are screened, beside ``Detoxify.predict`` and beside generating them.

The gate with all its filters, and its classifier alone, take the texts in batches, as a worker
does. Detoxify takes them one at a time, with a BERT base of random weights: its time does not
depend on what the weights are. A LLaMA of random weights in the shape of SmolLM-135M generates as
many tokens in one batch of the engine. All take turns in every round, with texts that none of them
has seen, and the median of the rounds' ratios counts: other work slows all of them alike.

Example: python benchmarks/screening.py --texts 32 --rounds 5 --json
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from detoxify import Detoxify
from tokenizers import Tokenizer
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
)

from benchmarks.support import command
from filters.catalog import bundled_source, load_filters
from filters.contract import Sample
from filters.loading import load_classifier
from filters.policy import default_policy
from filters.screen import screen
from registry.checkpoints.tokenizer import load_tokenizer
from workers.generation.engine import GenerationRequest
from workers.generation.llama import LlamaEngine
from workers.generation.loading import LoadedRelease

BUNDLED_TOKENIZER = Path(__file__).parents[1] / "registry/bundled/release/tokenizer.model"
SENTENCES = (
    "The old bridge was closed for the winter, and nobody knew when it would open again.",
    "She put the letter into a drawer and went out to look for her brother.",
    "Most of the water comes from the mountains in the north of the country.",
    "A good answer names its source and says how sure it is.",
    "On Sundays the market is full of people who sell fruit, bread and cheese.",
    "He had read about the stars for years, but he had never seen so many of them.",
    "The committee met twice and could not agree on a date for the vote.",
    "When the light is low, the camera needs a longer exposure.",
)
SHAPE = LlamaConfig(
    vocab_size=49_152,
    hidden_size=576,
    intermediate_size=1_536,
    num_hidden_layers=30,
    num_attention_heads=9,
    num_key_value_heads=3,
    max_position_embeddings=2_048,
    tie_word_embeddings=True,
)
"""SmolLM-135M: 134.5 million weights."""


@dataclass
class Round:
    """Seconds for one text, by each of them in turn."""

    gate: float
    classifier: float
    detoxify: float
    generating: float


def texts_of(tokens: int, *, seed: int) -> Iterator[str]:
    """Yield English texts of so many tokens of the classifier, each one different."""
    tokenizer = Tokenizer.from_file(str(bundled_source().config / "tokenizer.json"))
    draw = random.Random(seed)  # noqa: S311  nothing secret
    while True:
        text = " ".join(draw.choice(SENTENCES) for _ in range(2 + tokens // 10))
        offsets = tokenizer.encode(text, add_special_tokens=False).offsets
        yield text[: offsets[tokens - 1][1]]


def bert_base() -> Detoxify:
    """Return Detoxify on a BERT base of random weights, ready for ``predict``."""
    source = bundled_source()
    detoxify = Detoxify.__new__(Detoxify)  # Its constructor would download the base's config.
    detoxify.model = BertForSequenceClassification(BertConfig(id2label=dict(enumerate("abcdef"))))
    detoxify.tokenizer = AutoTokenizer.from_pretrained(source.config, model_max_length=512)
    detoxify.class_names = list("abcdef")
    detoxify.device = "cpu"
    return detoxify


def llama() -> LlamaEngine:
    """Return the engine with a LLaMA of random weights."""
    release = LoadedRelease(
        digest="0" * 64,
        model=LlamaForCausalLM(SHAPE).train(mode=False).requires_grad_(requires_grad=False),
        tokenizer=load_tokenizer(BUNDLED_TOKENIZER),
        eos_ids=frozenset(),
        context_tokens=int(SHAPE.max_position_embeddings or 0),
    )
    return LlamaEngine(release, device="cpu")


def generate(engine: LlamaEngine, *, texts: int, tokens: int) -> None:
    """Generate so many texts of so many tokens in one batch."""
    waiting = [
        engine.submit(
            GenerationRequest(prompt="It was", max_new_tokens=tokens, index=index),
            cancelled=lambda: False,
        )
        for index in range(texts)
    ]
    for each in waiting:
        each.result()


def rounds(options: argparse.Namespace) -> Iterator[Round]:
    """Yield what each takes for a text, after a round that warms up."""
    filters, policy = load_filters(device="cpu"), default_policy()
    classifier = load_classifier(bundled_source(), device="cpu")
    detoxify, engine = bert_base(), llama()
    endless = texts_of(options.tokens, seed=1)

    def timed(count: int, work: Callable[[Sequence[str]], object]) -> float:
        texts = [next(endless) for _ in range(count)]
        started = time.perf_counter()
        work(texts)
        return (time.perf_counter() - started) / count

    for number in range(options.rounds + 1):
        texts = options.texts if number else 2
        found = Round(
            gate=timed(
                texts, lambda some: screen(list(map(Sample, some)), filters=filters, policy=policy)
            ),
            classifier=timed(texts, classifier.score),
            detoxify=timed(
                min(texts, options.alone), lambda some: [detoxify.predict(each) for each in some]
            ),
            generating=timed(
                texts,
                lambda some: generate(engine, texts=len(some), tokens=options.tokens),
            ),
        )
        if number:
            yield found
    engine.close()


def main() -> None:
    """Measure and print the figures."""
    parser = command.parser(__doc__)
    parser.add_argument("--texts", type=int, default=32, help="texts of one batch")
    parser.add_argument("--tokens", type=int, default=128, help="tokens of one text")
    parser.add_argument("--alone", type=int, default=16, help="texts of Detoxify in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    found = list(rounds(options))

    def median(of: Callable[[Round], float]) -> float:
        return statistics.median(map(of, found))

    figures: dict[str, Any] = {
        "threads": options.threads,
        "texts": options.texts,
        "tokens": options.tokens,
        "rounds": options.rounds,
        "gate_texts_per_second": median(lambda each: 1 / each.gate),
        "classifier_texts_per_second": median(lambda each: 1 / each.classifier),
        "detoxify_texts_per_second": median(lambda each: 1 / each.detoxify),
        "gate_times_detoxify": median(lambda each: each.detoxify / each.gate),
        "classifier_times_detoxify": median(lambda each: each.detoxify / each.classifier),
        "generated_texts_per_second": median(lambda each: 1 / each.generating),
        "gate_share_of_generating": median(lambda each: each.gate / each.generating),
        "classifier_share_of_generating": median(lambda each: each.classifier / each.generating),
    }
    lines = (f"{name.replace('_', ' '):<32}{value:10.4g}" for name, value in figures.items())
    command.show(figures, lines, as_json=options.json)


if __name__ == "__main__":
    main()
