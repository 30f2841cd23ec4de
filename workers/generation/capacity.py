"""How much memory there is for weights and caches."""

import os
from pathlib import Path

import torch

CONTAINER_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def memory_bytes() -> int:
    """Return the memory of the CUDA device, if there is one, else of the machine or container."""
    if torch.cuda.is_available():
        total: int = torch.cuda.mem_get_info()[1]
        return total
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_limits()])


def _limits() -> list[int]:
    """Return what the container may take, unless it is not limited."""
    found = []
    for path in CONTAINER_LIMITS:
        try:
            found.append(int(path.read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue  # there is no such file, or it says "max"
    return found
