"""What a file that is meant to do harm consists of, and of what it is an example."""

from dataclasses import dataclass

from registry.errors import PickleProblem


@dataclass(frozen=True)
class Attack:
    """One file.

    Attributes:
        name: What it does, in a few words; no two have the same.
        group: The class it belongs to.
        data: Its bytes.
        problem: What the reader finds.
        at: The opcode or the entry that the reader names; ``None`` where there is none.
    """

    name: str
    group: str
    data: bytes
    problem: PickleProblem
    at: str | None = None
