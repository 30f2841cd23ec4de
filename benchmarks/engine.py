"""How many tokens a second the engine generates, beside ``generate`` of transformers.

The same weights, the same prompts, greedy, float32 on the CPU; the two take turns in one
run, and the best of several rounds counts, because other work only ever slows one down.
Prompts differ in length: transformers pads them on the left, the engine does not. Neither
stops early. Counted are new tokens, over the time from the first prompt to the last token.

The last line is a crowd: jobs of 8 to 256 new tokens, which transformers takes in batches in
the order in which they came, each as long as its longest.

    python benchmarks/engine.py --shape 134m --prompts 1 16 32 --json
"""

import argparse
import random
import time
from collections.abc import Iterator
from typing import Any

import torch

from benchmarks.support import command, models
from registry.checkpoints.tokenizer import Tokenizer
from workers.generation.engine import GenerationRequest
from workers.generation.llama import LlamaEngine

PROMPTS = (
    "It was late in the evening when",
    "The old house stood at the end of the road, and",
    "Nobody knew",
    "In the middle of the garden there was a tree, whose apples",
)


def main() -> None:
    """Run the comparison and print it."""
    options = _options()
    if options.threads:
        torch.set_num_threads(options.threads)
    tokenizer = models.tokenizer()
    reference: Any = models.model(options.shape)
    engine = LlamaEngine(models.release(options.shape), device="cpu")
    results: list[dict[str, Any]] = []
    for name, tokens, batch in _crowds(options):
        prompts = [PROMPTS[place % len(PROMPTS)] for place in range(len(tokens))]
        ours = theirs = 0.0
        for _ in range(options.rounds):
            ours = max(ours, _engine(engine, prompts, tokens))
            theirs = max(theirs, _transformers(reference, tokenizer, prompts, tokens, batch=batch))
        results.append({"prompts": name, "engine": ours, "transformers": theirs})
    engine.close()
    lines = [
        f"{torch.get_num_threads()} threads, {options.tokens} new tokens each, tokens a second",
        *(
            f"{each['prompts']:>5} prompts   engine {each['engine']:8.1f}   "
            f"transformers {each['transformers']:8.1f}   "
            f"ratio {each['engine'] / each['transformers']:5.2f}"
            for each in results
        ),
    ]
    figures = {"threads": torch.get_num_threads(), "tokens_per_second": results}
    command.show(figures, lines, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = command.parser(__doc__)
    parser.add_argument("--shape", choices=models.SHAPES, default="134m")
    parser.add_argument("--prompts", type=int, nargs="+", default=[1, 16, 32])
    parser.add_argument("--crowd", type=int, default=64, help="jobs of the last line; 0 for none")
    parser.add_argument("--batch", type=int, default=32, help="of transformers, for the crowd")
    parser.add_argument("--tokens", type=int, default=64, help="new tokens of each prompt")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=0, help="torch's own choice if 0")
    return parser.parse_args()


def _crowds(options: argparse.Namespace) -> Iterator[tuple[str, list[int], int]]:
    """Yield a name, the new tokens of each prompt, and how many transformers takes at a time."""
    for count in options.prompts:
        yield str(count), [options.tokens] * count, count
    if options.crowd:
        draw = random.Random(0)  # noqa: S311  nothing secret
        yield "crowd", [draw.randint(8, 256) for _ in range(options.crowd)], options.batch


def _engine(engine: LlamaEngine, prompts: list[str], tokens: list[int]) -> float:
    requests = [
        GenerationRequest(prompt=prompt, max_new_tokens=count, temperature=0)
        for prompt, count in zip(prompts, tokens, strict=True)
    ]
    started = time.perf_counter()
    futures = [engine.submit(request, cancelled=lambda: False) for request in requests]
    made = sum(len(future.result().token_ids) for future in futures)
    return made / (time.perf_counter() - started)


def _transformers(
    model: Any, tokenizer: Tokenizer, prompts: list[str], tokens: list[int], *, batch: int
) -> float:
    rows = [tokenizer.encode(prompt) for prompt in prompts]
    started = time.perf_counter()
    for first in range(0, len(rows), batch):
        part, longest = rows[first : first + batch], max(map(len, rows[first : first + batch]))
        most = max(tokens[first : first + batch])
        model.generate(
            torch.tensor([[0] * (longest - len(row)) + row for row in part]),
            attention_mask=torch.tensor(
                [[0] * (longest - len(row)) + [1] * len(row) for row in part]
            ),
            do_sample=False,
            min_new_tokens=most,
            max_new_tokens=most,
            pad_token_id=0,
        )
    return sum(tokens) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
