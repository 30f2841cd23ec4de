"""Every text passes the same few functions, whatever it came with."""

import ast
from collections.abc import Callable
from pathlib import Path

from tests.architecture.source import PACKAGE_FILES, calls, name_of, tree

NETWORK = frozenset({"aiohttp", "httpx", "requests", "socket", "urllib3"})


def files_where(holds: Callable[[Path], object]) -> set[str]:
    return {name_of(path) for path in PACKAGE_FILES if holds(path)}


def makes_an_output(path: Path) -> bool:
    """Return whether a file has ``Output(...)`` or ``insert(Output)``."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and (node.func.id == "Output" or ast.unparse(node) == "insert(Output)")
        for node in ast.walk(tree(path))
    )


def imports_of(path: Path) -> set[str]:
    """Return the modules that a file imports."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def reaches_the_network(path: Path) -> bool:
    modules = imports_of(path)
    return bool({each.split(".")[0] for each in modules} & NETWORK) or bool(
        modules & {"http.client", "urllib.request"}
    )


def test_outputs_are_made_by_one_function_for_every_door() -> None:
    assert files_where(makes_an_output) == {"registry/jobs/intake.py"}


def test_only_a_verdict_or_a_review_moves_an_output() -> None:
    movers = files_where(lambda path: calls(path, "advance_outputs"))

    assert movers == {"registry/verdicts/service.py", "registry/reviews/service.py"}


def test_only_the_pipeline_settles_what_it_had_screened() -> None:
    assert files_where(lambda path: calls(path, "settle")) == {"workers/scorer.py"}


def test_a_released_text_is_read_in_one_place() -> None:
    readers = files_where(
        lambda path: any(
            isinstance(node, ast.Attribute) and node.attr == "released_text"
            for node in ast.walk(tree(path))
        )
    )

    assert readers == {"registry/verdicts/view.py"}


def test_no_filter_asks_a_server() -> None:
    reaching = {name for name in files_where(reaches_the_network) if name.startswith("filters/")}
    fetching = files_where(lambda path: "filters.download.fetch" in imports_of(path))

    assert reaching == {"filters/download.py"}
    assert fetching == {"filters/published.py", "api/cli/fetch.py"}
