"""House rules that a reader of one file could not check: who alone may do a thing."""

import ast
from pathlib import Path

from tests.architecture.source import PACKAGE_FILES, PACKAGES, ROOT, calls, each, name_of, tree

UNIT_OF_WORK = ROOT / "registry/db/session.py"
ENTRY_POINTS = ("api/cli/", "api/app.py", "workers/app.py", "migrations/env.py")
CODE = [path for path in PACKAGE_FILES if path != UNIT_OF_WORK]


@each(CODE)
def test_only_the_unit_of_work_commits(path: Path) -> None:
    lines = calls(path, "commit") + calls(path, "begin")

    assert lines == [], "open Database.transaction() instead"


@each(PACKAGE_FILES)
def test_nothing_assigns_a_state(path: Path) -> None:
    lines = [
        node.lineno
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and node.attr == "state"
        and isinstance(node.ctx, ast.Store)
    ]

    assert lines == [], "a state moves by compare-and-swap, in its service's advance()"


@each(path for path in CODE if name_of(path) != "registry/settings.py")
def test_only_entry_points_read_the_settings(path: Path) -> None:
    reads = [
        node.lineno
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name | ast.Attribute)
        and ast.unparse(node.func).rsplit(".", 1)[-1] == "read_settings"
    ]

    assert reads == [] or name_of(path).startswith(ENTRY_POINTS), "pass them down instead"


def test_tasks_carry_ids_only() -> None:
    tasks = [
        node
        for node in ast.walk(tree(ROOT / "workers/tasks.py"))
        if isinstance(node, ast.FunctionDef)
        and any("task" in ast.unparse(decorator) for decorator in node.decorator_list)
    ]

    arguments = {argument.arg for task in tasks for argument in task.args.args} - {"self"}

    assert tasks
    assert {name for name in arguments if not name.endswith("_id")} == set()


def test_the_packages_are_the_ones_that_are_built() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}

    assert folders == set(PACKAGES)
