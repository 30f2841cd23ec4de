"""What a step freed is there for the next one."""

import ctypes
import subprocess
import sys

import pytest

ROUNDS = 50
_STEPS = f"""
import resource
import sys

import numpy as np

from workers.generation.freeing import keep_memory_at_hand


def step():
    return [np.ones(1 << 17) for _ in range(8)]  # a megabyte each


def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


if sys.argv[1] == "kept":
    keep_memory_at_hand()
step(), step()
before = faults()
for _ in range({ROUNDS}):
    step()
print(faults() - before)
"""


def faults(how: str) -> int:
    """Return how often the system had to bring a page in some steps."""
    command = [sys.executable, "-c", _STEPS, how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="only glibc can be told")
def test_memory_of_a_step_is_not_fetched_again() -> None:
    returned, kept = faults("returned"), faults("kept")

    assert kept < ROUNDS < returned
