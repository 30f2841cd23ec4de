"""Whether a text depends on who else is in the batch.

Jobs of many prompts, seeds, temperatures and lengths are generated one after the other, and
again all at once, by the same engine. For each text that differs, the first token that does is
looked up: by how much the engine's own preference for one of the two is greater.

    python benchmarks/alone_and_together.py --jobs 500 --json
"""

import argparse
import random
from typing import Any

import torch

from benchmarks.support import command, models
from workers.generation.engine import GeneratedText, GenerationRequest
from workers.generation.forward import Forward, Span
from workers.generation.llama import LlamaEngine
from workers.generation.sampling import preferences

WORDS = ("the", "old", "house", "river", "garden", "night", "she", "asked", "small", "bright")


def main() -> None:
    """Run the comparison and print it."""
    options = _options()
    requests = _requests(options.jobs)
    engine = LlamaEngine(models.release(options.shape), device="cpu", rows=options.rows)
    try:
        together = _all_at_once(engine, requests)
        alone = [_all_at_once(engine, [each])[0] for each in requests]
    finally:
        engine.close()
    pairs = list(zip(requests, alone, together, strict=True))
    different = [each for each in pairs if each[1].token_ids != each[2].token_ids]
    gaps = _gaps(options.shape, different)
    equal = 1 - len(different) / len(pairs)
    result = {"jobs": len(pairs), "rows": options.rows, "equal": equal, "gaps": gaps}
    lines = [
        f"{len(pairs)} jobs, {equal:.2%} of the texts are equal",
        *(f"differs where two tokens were {gap:.2g} apart" for gap in gaps),
    ]
    command.show(result, lines, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = command.parser(__doc__)
    parser.add_argument("--shape", choices=models.SHAPES, default="bundled")
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--rows", type=int, default=64, help="of a full batch")
    return parser.parse_args()


def _requests(count: int) -> list[GenerationRequest]:
    draw = random.Random(0)  # noqa: S311 (nothing secret)
    return [
        GenerationRequest(
            prompt=" ".join(draw.choices(WORDS, k=draw.randint(1, 40))),
            max_new_tokens=draw.randint(8, 96),
            temperature=draw.choice((0.0, 0.7, 1.0, 1.3)),
            top_p=draw.choice((1.0, 0.95)),
            top_k=draw.choice((0, 40)),
            seed=draw.getrandbits(64),
        )
        for _ in range(count)
    ]


def _all_at_once(engine: LlamaEngine, requests: list[GenerationRequest]) -> list[GeneratedText]:
    futures = [engine.submit(each, cancelled=lambda: False) for each in requests]
    return [future.result() for future in futures]


@torch.inference_mode()
def _gaps(
    shape: str, different: list[tuple[GenerationRequest, GeneratedText, GeneratedText]]
) -> list[float]:
    """Return how far apart the two tokens were where texts part, in logits over temperature."""
    release = models.release(shape)
    forward = Forward(release.model, device=torch.device("cpu"), dtype=torch.float32)
    gaps = []
    for request, alone, together in different:
        pairs: Any = zip(alone.token_ids, together.token_ids, strict=False)
        at = next(place for place, (one, other) in enumerate(pairs) if one != other)
        ids = [*release.tokenizer.encode(request.prompt), *alone.token_ids[:at]]
        cache = forward.new_cache(64 << 20)
        cache.reserve([len(ids)])
        read = forward.logits(ids, [Span(0, len(ids))], cache)[:, : release.tokenizer.vocab_size]
        logits = read.numpy()
        scores = preferences(logits, [request], [at]) if request.temperature else logits
        gaps.append(abs(float(scores[0, alone.token_ids[at]] - scores[0, together.token_ids[at]])))
    return gaps


if __name__ == "__main__":
    main()
