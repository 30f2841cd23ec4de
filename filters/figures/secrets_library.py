"""Our patterns for secrets beside the library ``detect-secrets``, where that is installed."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from filters.figures.pattern_texts import Wanted

Finder = Callable[[str], bool]

_LIBRARY = "detect_secrets"
_TIMED = 2_000
_FILTERS = (
    "allowlist.is_line_allowlisted",
    "heuristic.is_indirect_reference",
    "heuristic.is_likely_id_string",
    "heuristic.is_not_alphanumeric_string",
    "heuristic.is_potential_uuid",
    "heuristic.is_prefixed_with_dollar_sign",
    "heuristic.is_sequential_string",
    "heuristic.is_templated_secret",
)
"""Its own defaults, less those about files and the one that asks the network."""


def compare(
    patterns: Finder, secrets: Sequence[Wanted], clean: Mapping[str, Sequence[str]]
) -> list[str]:
    """Return the lines of a table: our patterns beside detect-secrets, in one run."""
    if importlib.util.find_spec(_LIBRARY) is None:
        return ["detect-secrets is not installed, so nothing is compared with it."]
    timed = [text for texts in clean.values() for text in texts[:_TIMED]]
    lines = ["| finder | recall | flagged clean texts | seconds |", "|---|---|---|---|"]
    with _library() as finder:
        for name, find in (
            ("these patterns", patterns),
            ("detect-secrets", finder),
        ):
            hits = sum(find(want.text) for want in secrets)
            began = time.process_time()
            flagged = sum(map(find, timed))
            seconds = time.process_time() - began
            lines.append(
                f"| {name} | {hits} of {len(secrets)} | {flagged} of {len(timed)} | {seconds:.1f} |"
            )
    return lines


@contextmanager
def _library() -> Iterator[Finder]:
    """Set detect-secrets up as it scans a file: all plugins, and nothing that asks the network."""
    scan = importlib.import_module(f"{_LIBRARY}.core.scan")
    settings = importlib.import_module(f"{_LIBRARY}.settings")
    plugins = importlib.import_module(f"{_LIBRARY}.core.plugins.util")
    classes = plugins.get_mapping_from_secret_type_to_class().values()
    chosen = {
        "plugins_used": [{"name": each.__name__} for each in classes],
        "filters_used": [{"path": f"{_LIBRARY}.filters.{name}"} for name in _FILTERS],
    }

    def finds(text: str) -> bool:
        lines = list(enumerate(text.splitlines(), start=1))
        found = scan._process_line_based_plugins(lines=lines, filename="text.txt")  # noqa: SLF001
        return any(True for _ in found)

    with settings.transient_settings(chosen):
        yield finds
