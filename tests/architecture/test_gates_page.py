"""docs/gates.md says which test holds each promise; the tests it names are there."""

import ast
import re

import pytest

from registry.settings import Settings
from tests.architecture.source import ROOT, tree

PAGE = (ROOT / "docs/gates.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \|.*\|$", PAGE, re.MULTILINE)
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def test_every_failure_has_a_row_with_a_test() -> None:
    lines = re.findall(r"^\| \d+ \|.*$", PAGE, re.MULTILINE)

    assert [int(number) for number in ROWS] == list(range(1, len(ROWS) + 1))
    assert len(ROWS) >= 18
    assert [line for line in lines if ".py::test_" not in line] == []


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_a_named_test_exists(file: str, name: str) -> None:
    module = tree(ROOT / file)

    assert name in {node.name for node in module.body if isinstance(node, ast.FunctionDef)}


def test_no_setting_opens_the_gate() -> None:
    words = {word for field in Settings.model_fields for word in field.split("_")}

    assert words & {"allow", "bypass", "disable", "fail", "filters", "open", "skip"} == set()
