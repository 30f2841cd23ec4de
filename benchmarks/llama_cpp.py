"""The engine beside llama.cpp, in float32 on the same weights.

The weights are written as GGUF, as llama.cpp lays them out. For each number of rows the engine
and ``llama-batched-bench`` take turns: each row has 32 tokens of prompt and 64 new ones, and
counted are new tokens over the time from the first prompt to the last token. The best of the
rounds counts. ``llama-batched-bench`` is built from llama.cpp's source (target of that name,
with the machine's own instructions); nothing of it is needed to use Corral.

    python benchmarks/llama_cpp.py --batched-bench build/bin/llama-batched-bench --json
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import gguf
import torch

from benchmarks.support import command, models
from workers.generation.engine import GenerationRequest
from workers.generation.llama import LlamaEngine

PROMPT_TOKENS, NEW_TOKENS = 32, 64
CONTEXT_TOKENS = PROMPT_TOKENS + NEW_TOKENS


def main() -> None:
    """Run the comparison and print it."""
    options = _options()
    torch.set_num_threads(options.threads)
    engine = LlamaEngine(models.release("134m"), device="cpu", rows=max(options.rows))
    prompt = _prompt()
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        weights = _write(Path(folder) / "model.gguf")
        for rows in options.rows:
            ours = theirs = 0.0
            for _ in range(options.rounds):
                ours = max(ours, _engine(engine, prompt, rows))
                theirs = max(theirs, _llama_cpp(options, weights, rows))
            results.append({"rows": rows, "engine": ours, "llama.cpp": theirs})
    engine.close()
    lines = [
        f"{options.threads} threads, new tokens a second",
        *(
            f"{each['rows']:>4} rows   engine {each['engine']:7.1f}   llama.cpp "
            f"{each['llama.cpp']:7.1f}   ratio {each['engine'] / each['llama.cpp']:5.2f}"
            for each in results
        ),
    ]
    command.show({"threads": options.threads, "rows": results}, lines, as_json=options.json)


def _options() -> argparse.Namespace:
    parser = command.parser(__doc__)
    parser.add_argument("--batched-bench", type=Path, required=True, help="the built program")
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 8, 16, 32, 64])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--dir", type=Path, help="where the weights are written, then removed")
    return parser.parse_args()


def _prompt() -> str:
    """Return a text of as many tokens as the other side's prompts have."""
    tokenizer, text = models.tokenizer(), "a"
    while len(tokenizer.encode(text)) < PROMPT_TOKENS:
        text += " a"
    return text


def _engine(engine: LlamaEngine, prompt: str, rows: int) -> float:
    requests = [
        GenerationRequest(prompt=prompt, max_new_tokens=NEW_TOKENS, temperature=0)
        for _ in range(rows)
    ]
    began = time.perf_counter()
    futures = [engine.submit(each, cancelled=lambda: False) for each in requests]
    made = sum(len(future.result().token_ids) for future in futures)
    return made / (time.perf_counter() - began)


def _llama_cpp(options: argparse.Namespace, weights: Path, rows: int) -> float:
    given = {
        "-m": weights,
        "-t": options.threads,
        "-tb": options.threads,
        "-c": rows * CONTEXT_TOKENS,
        "-npp": PROMPT_TOKENS,
        "-ntg": NEW_TOKENS,
        "-npl": rows,
        "-ctk": "f32",
        "-ctv": "f32",
        "--output-format": "jsonl",
    }
    arguments = [str(each) for pair in given.items() for each in pair]
    done = subprocess.run(
        [options.batched_bench.resolve(), *arguments], capture_output=True, text=True, check=True
    )
    line = next(each for each in done.stdout.splitlines() if each.startswith("{"))
    found: dict[str, float] = json.loads(line)
    return rows * NEW_TOKENS / (found["t_pp"] + found["t_tg"])


def _write(file: Path) -> Path:
    """Write the model of 134 million weights as converters do, without a tokenizer."""
    model, config = models.model("134m"), models.WIDE
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("no_vocab")
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, tensor in model.state_dict().items():
        # The order of the rows of q and k changes the numbers, not the time.
        writer.add_tensor(str(names.get_name(name, (".weight",))), tensor.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


if __name__ == "__main__":
    main()
