"""The errors are a public contract: one category each, one code each."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from registry.errors import CorralError
from tests.architecture.source import PACKAGE_FILES, name_of

CATEGORIES = frozenset(CorralError.__subclasses__())


def _below(error: type[CorralError]) -> Iterator[type[CorralError]]:
    for child in error.__subclasses__():
        yield child
        yield from _below(child)


LEAVES = sorted(set(_below(CorralError)) - CATEGORIES, key=lambda error: error.__name__)
CODE = "\n".join(
    path.read_text(encoding="utf-8")
    for path in PACKAGE_FILES
    if not name_of(path).startswith("registry/errors")
)

each_leaf = pytest.mark.parametrize("error", LEAVES, ids=lambda error: error.code)


@each_leaf
def test_an_error_has_one_category(error: type[CorralError]) -> None:
    assert len(CATEGORIES.intersection(error.__mro__)) == 1


@each_leaf
def test_an_error_says_its_code_itself(error: type[CorralError]) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", vars(error).get("code", ""))


@each_leaf
def test_an_error_is_met_somewhere(error: type[CorralError]) -> None:
    assert re.search(rf"\b{error.__name__}\(", CODE), (
        "a code that nobody raises is an empty promise"
    )


def test_no_two_errors_share_a_code() -> None:
    counts = Counter(error.code for error in _below(CorralError))

    assert [code for code, count in counts.items() if count > 1] == []
