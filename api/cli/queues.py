"""A release's queues and the workers that have it in memory, as ``corral release`` prints them."""

from collections.abc import Mapping, Sequence
from typing import Any

from api.cli.render import size
from api.v1.schemas.releases import DepthView
from registry.jobs.lanes import Lane
from registry.residents.model import ResidentRecord

Lanes = Mapping[str, Mapping[str, int]]


def to_json(queues: Mapping[Lane, DepthView]) -> dict[str, dict[str, int]]:
    """Return the numbers by lane and state."""
    return {lane.value: depth.model_dump() for lane, depth in queues.items()}


def waiting(lanes: Lanes) -> int:
    """Return how many jobs wait to be generated, held ones included."""
    return sum(depth["queued"] + depth["held"] for depth in lanes.values())


def sentences(lanes: Lanes) -> list[str]:
    """Return the numbers of each lane in words."""
    return [
        f"{lane}: " + " ".join(f"{count} {state}" for state, count in depth.items())
        for lane, depth in lanes.items()
    ]


def workers_of(residents: Sequence[ResidentRecord]) -> list[dict[str, Any]]:
    """Return the workers that have a release in memory or load it."""
    return [
        {
            "worker": each.worker,
            "is_loading": each.is_loading,
            "memory_bytes": each.size_bytes,
            "done_bytes": each.done_bytes,
            "total_bytes": each.total_bytes,
        }
        for each in residents
    ]


def worker_sentences(workers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the same in words."""
    return [f"{each['worker']}: {_loaded(each)}{size(each['memory_bytes'])}" for each in workers]


def _loaded(worker: Mapping[str, Any]) -> str:
    if not worker["is_loading"]:
        return ""
    return f"loading, {size(worker['done_bytes'])} of {size(worker['total_bytes'])} read, "
