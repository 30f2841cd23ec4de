"""However large a checkpoint is, little of it is in memory at a time."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from registry.checkpoints.llama import Shape
from registry.checkpoints.stored import StoredTensor
from registry.checkpoints.writing import OutgoingTensor, files_for

SHAPE = Shape(dim=1024, layers=12, heads=8, kv_heads=8, feed_forward=2816, vocab_size=8000)

# VmHWM and not ru_maxrss, which a process inherits from the one that started it.
CHILD = """
import json, sys
from pathlib import Path
from registry.checkpoints.convert import from_meta
from registry.checkpoints.llama import Shape
from registry.checkpoints.stored import read_safetensors
from registry.checkpoints.writing import files_for

def peak():
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

shape = Shape(**json.loads(sys.argv[2]))
before = peak()
conversion = from_meta([read_safetensors(Path(sys.argv[1]))], shape=shape)
[file] = files_for(conversion.tensors)
digest = file.write(Path(sys.argv[1] + ".out"))
print(json.dumps([peak() - before, digest.size]))
"""


def test_the_peak_of_memory_is_a_few_blocks(tmp_path: Path) -> None:
    block = np.random.default_rng(0).integers(0, 1 << 16, 1 << 20).astype(np.uint16)
    tensors = [
        StoredTensor(name, "F16", np.resize(block, SHAPE.of(name))) for name in SHAPE.names()
    ]
    [file] = files_for(
        [
            OutgoingTensor(each.name, each.dtype, each.shape, lambda each=each: [each.bits])  # type: ignore[misc]
            for each in tensors
        ]
    )
    file.write(tmp_path / "shard")
    sizes = json.dumps({name: getattr(SHAPE, name) for name in Shape.__dataclass_fields__})

    answer = subprocess.run(
        [sys.executable, "-c", CHILD, tmp_path / "shard", sizes],
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    growth, size = json.loads(answer)
    assert size > 300_000_000
    assert growth < 64_000_000
