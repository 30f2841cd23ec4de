"""The root of all errors, and its five categories."""

from typing import Any


class CorralError(Exception):
    """The root: a sentence for people, a ``code`` and ``facts`` for programs.

    Attributes:
        code: Stable name of this state of affairs, part of the public contract.
        facts: JSON values that make it precise.
    """

    code = "error"

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.facts = facts


class NotFound(CorralError):
    """There is no such thing, or this caller may not know of it."""

    code = "not_found"


class Refused(CorralError):
    """A rule said no."""

    code = "refused"


class Invalid(CorralError):
    """What was asked cannot be right, whoever asks."""

    code = "invalid"


class Conflict(CorralError):
    """It has moved on since the caller last looked."""

    code = "conflict"


class Unavailable(CorralError):
    """Something that this needs is down; trying again later may help."""

    code = "unavailable"
