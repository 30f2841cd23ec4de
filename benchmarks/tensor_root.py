"""How fast the tensor root is computed, beside hashing the same files as registration does.

Both run here, one after the other, over generated safetensors files of a LLaMA's tensors
that lie in the page cache: ``digest_files`` (SHA-256 and BLAKE3 of the bytes) and
``digest_tensors`` (names and rows put in order, SHA-256 as stored and after the cast to
bfloat16). F16 and F32 are hashed twice, once in each form, which no program can do in less
than two passes of SHA-256; ``hashed`` counts the bytes of both forms, ``stored`` those of
the files. The best of several rounds counts, because other work only ever slows one down.

    python benchmarks/tensor_root.py --megabytes 1024 --json
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from math import prod
from pathlib import Path

import numpy as np

from benchmarks.support import command
from registry.checkpoints import llama
from registry.checkpoints.digest import digest_files
from registry.checkpoints.headers import ITEM_BYTES
from registry.checkpoints.tensors import digest_tensors, roots_of
from registry.checkpoints.weights import open_weights

HEADS = 16
DIM = 2048
SHAPE = llama.Shape(DIM, 1, HEADS, HEADS, 5504, 32_000)
HASHED_BYTES = {"BF16": 2, "F16": 4, "F32": 6}  # for each element, in both forms


def main() -> None:
    """Run the comparison for each dtype and print it."""
    options = _options()
    figures: dict[str, dict[str, float]] = {}
    for dtype in options.dtypes:
        with tempfile.TemporaryDirectory(dir=options.dir, prefix="corral-root-") as folder:
            root = Path(folder)
            files = _generate(root, dtype, options.megabytes * 1_000_000, files=options.files)
            figures[dtype] = _measure(root, files, dtype, options)
    command.show(
        {"threads": options.threads, **figures}, command.rows(figures), as_json=options.json
    )


def _measure(
    root: Path, files: list[Path], dtype: str, options: argparse.Namespace
) -> dict[str, float]:
    places = {each.name: each for each in root.iterdir()}

    def plain() -> None:
        digest_files(files, root=root, threads=options.threads)

    def tensors() -> None:
        roots_of(digest_tensors(open_weights(places).wholes, threads=options.threads))

    plain()  # fills the page cache
    total = sum(file.stat().st_size for file in files)
    hashing = rooting = 0.0
    for _ in range(options.rounds):
        hashing = max(hashing, total / _seconds(plain))
        rooting = max(rooting, total / _seconds(tensors))
    forms = HASHED_BYTES[dtype] / ITEM_BYTES[dtype]
    return {
        "GB/s plain": hashing / 1e9,
        "GB/s stored": rooting / 1e9,
        "GB/s hashed": rooting * forms / 1e9,
        "ratio stored": rooting / hashing,
        "ratio hashed": rooting * forms / hashing,
    }


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _options() -> argparse.Namespace:
    parser = command.parser(__doc__)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--dtypes", nargs="+", default=list(HASHED_BYTES), choices=HASHED_BYTES)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dir", type=Path, help="where the files are made, then removed")
    return parser.parse_args()


def _generate(root: Path, dtype: str, size: int, *, files: int) -> list[Path]:
    """Write layers of a LLaMA until the files have about this size together."""
    random = np.random.default_rng(0)
    config = {"model_type": "llama", "hidden_size": DIM, "num_attention_heads": HEADS}
    (root / "config.json").write_text(json.dumps(config))
    one = [name for name in SHAPE.names() if name.startswith("layers.")]
    layer = sum(prod(SHAPE.of(name)) for name in one) * ITEM_BYTES[dtype]
    layers = range(max(files, size // layer))
    paths = [root / f"model-{number:05}.safetensors" for number in range(files)]
    for place, path in enumerate(paths):
        kinds = [llama.kind_of(name) for name in one]
        names = [f"layers.{number}.{kind}" for number in layers[place::files] for kind in kinds]
        with path.open("wb") as sink:
            sink.write(_header(names, dtype))
            for name in names:
                numbers = random.standard_normal(prod(SHAPE.of(name)), dtype=np.float32)
                sink.write(_stored(numbers, dtype))
    return paths


def _header(names: list[str], dtype: str) -> bytes:
    header, end = {}, 0
    for name in names:
        begin, shape = end, SHAPE.of(name)
        end += prod(shape) * ITEM_BYTES[dtype]
        place = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
        header[llama.to_huggingface(name)] = place
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text


def _stored(numbers: np.ndarray, dtype: str) -> bytes:
    if dtype == "BF16":
        return (numbers.view("<u4") >> np.uint32(16)).astype("<u2").tobytes()
    return numbers.astype("<f2" if dtype == "F16" else "<f4").tobytes()


if __name__ == "__main__":
    main()
