"""The stacks of the tests, with the settings that people get: tests notice faults faster."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from registry.settings import Settings
from tests.support import stack

_HASTY = ("job_lease_seconds", "resend_after_seconds", "sweep_interval_seconds")


def settings_for(name: str, folder: Path, exits: ExitStack) -> Settings:
    """Return the settings of the stack called ``embedded`` or ``production``."""
    defaults = {each: Settings.model_fields[each].default for each in _HASTY}
    return stack.settings_for(name, folder, exits).model_copy(update=defaults)
