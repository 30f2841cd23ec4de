"""The two lanes in which jobs travel: a person waits for one, nobody for the other."""

from enum import StrEnum


class Lane(StrEnum):
    """How a job came; each lane has queues of its own, and room of its own in them."""

    INTERACTIVE = "interactive"
    BULK = "bulk"
