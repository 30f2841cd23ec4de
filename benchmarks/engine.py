"""How many tokens a second the engine generates, beside ``generate`` of transformers.

The same weights, the same prompts, greedy, float32 on the CPU; the two take turns in one
run, and the best of several rounds counts, because other work only ever slows one down.
Prompts differ in length: transformers pads them on the left, the engine does not. Neither
stops early. Counted are new tokens, over the time from the first prompt to the last token.

    python benchmarks/engine.py --release registry/bundled/release --json
"""

import argparse
import dataclasses
import time
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaForCausalLM

from benchmarks.support import command
from registry.checkpoints.digest import digest_files
from registry.checkpoints.layouts import inspect
from registry.checkpoints.manifest import Manifest
from registry.checkpoints.tokenizer import Tokenizer
from workers.generation.engine import GenerationRequest
from workers.generation.llama import LlamaEngine
from workers.generation.loading import LoadedRelease, load_release

BUNDLED = Path(__file__).resolve().parent.parent / "registry/bundled/release"
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
    release = dataclasses.replace(_load(options.release), eos_ids=frozenset())
    reference: Any = LlamaForCausalLM.from_pretrained(options.release, dtype=torch.float32)
    engine = LlamaEngine(release, device="cpu")
    results = []
    for count in options.prompts:
        prompts = [PROMPTS[place % len(PROMPTS)] for place in range(count)]
        ours = theirs = 0.0
        for _ in range(options.rounds):
            ours = max(ours, _engine(engine, prompts, options.tokens))
            theirs = max(
                theirs, _transformers(reference, release.tokenizer, prompts, options.tokens)
            )
        results.append({"prompts": count, "engine": ours, "transformers": theirs})
    engine.close()
    lines = [
        f"{torch.get_num_threads()} threads, {options.tokens} new tokens each, tokens a second",
        *(
            f"{each['prompts']:4} prompts   engine {each['engine']:8.1f}   "
            f"transformers {each['transformers']:8.1f}   "
            f"ratio {each['engine'] / each['transformers']:5.2f}"
            for each in results
        ),
    ]
    figures = {"threads": torch.get_num_threads(), "tokens_per_second": results}
    command.show(figures, lines, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = command.parser(__doc__)
    parser.add_argument("--release", type=Path, default=BUNDLED, help="a Hugging Face folder")
    parser.add_argument("--prompts", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--tokens", type=int, default=64, help="new tokens of each prompt")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="torch's own choice if 0")
    return parser.parse_args()


def _load(folder: Path) -> LoadedRelease:
    layout = inspect(folder)
    manifest = Manifest.of(digest_files(layout.files, root=layout.root))
    places = {entry.sha256: layout.root / entry.path for entry in manifest.files}
    return load_release(manifest, expected_digest=manifest.digest, path_of=places.__getitem__)


def _engine(engine: LlamaEngine, prompts: list[str], tokens: int) -> float:
    requests = [
        GenerationRequest(prompt=prompt, max_new_tokens=tokens, temperature=0) for prompt in prompts
    ]
    started = time.perf_counter()
    futures = [engine.submit(request, cancelled=lambda: False) for request in requests]
    made = sum(len(future.result().token_ids) for future in futures)
    return made / (time.perf_counter() - started)


def _transformers(model: Any, tokenizer: Tokenizer, prompts: list[str], tokens: int) -> float:
    rows = [tokenizer.encode(prompt) for prompt in prompts]
    longest = max(map(len, rows))
    started = time.perf_counter()
    whole = model.generate(
        torch.tensor([[0] * (longest - len(row)) + row for row in rows]),
        attention_mask=torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows]),
        do_sample=False,
        min_new_tokens=tokens,
        max_new_tokens=tokens,
        pad_token_id=0,
    )
    made = whole.numel() - longest * len(rows)
    return float(made / (time.perf_counter() - started))


if __name__ == "__main__":
    main()
