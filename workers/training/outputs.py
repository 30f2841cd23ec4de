"""Generate outputs of the bundled release: ``python -m workers.training.outputs FILE``.

Writes JSON Lines with ``prompt``, ``temperature`` and ``text``, several outputs for each prompt and
temperature, for whoever judges filters on what a model really writes. The same release writes the
same file.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from registry.bundled import RELEASE_DIR
from registry.checkpoints.digest import digest_files
from registry.checkpoints.layouts import inspect
from registry.checkpoints.manifest import Manifest
from workers.generation.engine import Engine, GenerationRequest
from workers.generation.llama import LlamaEngine
from workers.generation.loading import load_release

PROMPTS = (
    "Once upon a time",
    "Once upon a time, there was a little girl named Lily.",
    "Tom and his dog",
    "It was late in the evening when",
    "Nobody knew",
    "The mitochondria",
    "A cell is",
    "The causes of the war were",
    "The price of a good is",
    "KING:\n",
    "My lord, I",
    "Dear customer,",
    "You have won a prize",
    "Subject: invoice",
    "Hello",
)
TEMPERATURES = (0.0, 0.2, 0.5, 0.8, 1.0)
OUTPUTS = 8
TOKENS = 256


def outputs(engine: Engine, temperature: float) -> Iterator[dict[str, Any]]:
    """Yield the outputs of one temperature; at 0 there is only one for each prompt."""
    requests = [
        GenerationRequest(
            prompt=prompt,
            max_new_tokens=TOKENS,
            temperature=temperature,
            top_p=0.95,
            seed=7,
            index=index,
        )
        for prompt in PROMPTS
        for index in range(OUTPUTS if temperature else 1)
    ]
    futures = [engine.submit(request, cancelled=lambda: False) for request in requests]
    for request, future in zip(requests, futures, strict=True):
        text = future.result().text
        yield {"prompt": request.prompt, "temperature": temperature, "text": text}


def main() -> None:
    """Generate and write."""
    parser = argparse.ArgumentParser(description="Generate outputs of the bundled release.")
    parser.add_argument("file", type=Path)
    path = parser.parse_args().file
    layout = inspect(RELEASE_DIR)
    manifest = Manifest.of(digest_files(layout.files, root=layout.root))
    places = {entry.sha256: layout.root / entry.path for entry in manifest.files}
    loaded = load_release(manifest, expected_digest=manifest.digest, path_of=places.__getitem__)
    engine = LlamaEngine(loaded, device="cpu")
    with path.open("w", encoding="utf-8") as file:
        for temperature in TEMPERATURES:
            file.writelines(f"{json.dumps(row)}\n" for row in outputs(engine, temperature))
    engine.close()


if __name__ == "__main__":
    main()
