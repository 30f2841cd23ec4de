"""The project's files as the architecture tests read them."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("registry", "workers", "filters", "api", "migrations")
NOT_OURS = frozenset({".git", ".venv", "__pycache__", "build", "dist", "var"})


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        cache_folder = path.name.endswith("cache") or path.name == ".hypothesis"
        if path.name in NOT_OURS or cache_folder or path.is_symlink():
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


FILES = tuple(_walk(ROOT))
PYTHON_FILES = tuple(path for path in FILES if path.suffix == ".py")
PACKAGE_FILES = tuple(path for path in PYTHON_FILES if path.relative_to(ROOT).parts[0] in PACKAGES)


@cache
def tree(path: Path) -> ast.Module:
    """Parse a file once for all the tests that look at it."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name_of(path: Path) -> str:
    """Return the path as people say it: relative to the project, with slashes."""
    return path.relative_to(ROOT).as_posix()


def each(paths: Iterable[Path]) -> pytest.MarkDecorator:
    """Run a test once for every path, and name the run after it."""
    return pytest.mark.parametrize("path", list(paths), ids=name_of)


def calls(path: Path, method: str) -> list[int]:
    """Return the lines that call a method of that name, on whatever object."""
    return [
        node.lineno
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
    ]
