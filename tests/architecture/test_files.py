"""What a file of ours may be called, hold and mention."""

import ast
import re
from pathlib import Path

from tests.architecture.source import FILES, PACKAGE_FILES, PYTHON_FILES, each, name_of, tree

LINES_LIMIT = 300
TEXT_LIMIT_BYTES = 256 * 1024
VAGUE = frozenset(
    {"base", "common", "core", "helper", "helpers", "lib", "manager", "managers", "misc"}
    | {"shared", "stuff", "tool", "tools", "util", "utils"}
)
FOREIGN = re.compile(
    r"(?:pypi|pythonhosted|npmjs|anaconda)\.(?:org|com)"
    r"|(?<![\w.])/(?:work|root|home|Users|tmp/w)/"
)


@each(PYTHON_FILES)
def test_a_file_stays_short_enough_to_read_at_once(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")

    assert lines <= LINES_LIMIT, "split it by subject"


@each(PYTHON_FILES)
def test_a_file_is_named_for_what_is_in_it(path: Path) -> None:
    words = {part.rsplit("_", 1)[-1] for part in name_of(path).removesuffix(".py").split("/")}

    assert not words & VAGUE


@each(PACKAGE_FILES)
def test_a_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(tree(path))


@each(path for path in FILES if path.stat().st_size <= TEXT_LIMIT_BYTES)
def test_a_file_names_no_package_registry_and_nobodys_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8", errors="replace")

    assert not [line for line in text.splitlines() if FOREIGN.search(line)]
