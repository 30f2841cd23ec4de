"""How deep the queues of a release are, as ``corral release`` prints it."""

from collections.abc import Mapping

from api.v1.schemas.releases import DepthView
from registry.jobs.lanes import Lane

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
