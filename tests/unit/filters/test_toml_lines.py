"""Lines of keys, however the same thing is written."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.toml_lines import line_of, place_of_error, written

TEXT = '''# a comment, "with" = signs

top = 1
dotted.in.one = 2
inline = { a = 1, b = { c = 2 } }
many = """
[table]
fake = 1
"""
list = [
  1,
  # two = 2
  2,
]
"quoted key" = 3

[table]          # real
key = 4
[table.below."x.y"]
key = 5
[[tables]]
key = 6
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 3),
        (("dotted", "in", "one"), 4),
        (("inline", "b", "c"), 5),
        (("many",), 6),
        (("list",), 10),
        (("quoted key",), 15),
        (("table",), 17),
        (("table", "key"), 18),
        (("table", "below"), 19),
        (("table", "below", "x.y", "key"), 20),
        (("table", "missing"), 17),
        (("table", "below", "x.y", "z", "missing"), 19),
        (("missing",), 1),
    ],
)
def test_a_key_is_in_the_line_that_gives_it(path: tuple[str, ...], line: int) -> None:
    assert line_of(TEXT, path) == line


def test_an_error_in_a_table_of_many_lines_names_the_statement() -> None:
    line, path = place_of_error(TEXT + "list = [\n1,\n", "Unclosed array (at end of document)")

    assert (line, path) == (23, ("tables", "list"))


def test_what_is_quoted_in_toml_is_quoted_in_messages() -> None:
    assert written(("rules", "a b", "c")) == 'rules."a b".c'


names = st.text("abc-_", min_size=1, max_size=4)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(names, st.sampled_from(["1", '"x"', "[\n1,\n2]", '"""\n[a]\n"""', "{ y = 1 }"])),
        unique_by=lambda pair: pair[0],
        min_size=1,
        max_size=5,
    ),
    st.lists(st.sampled_from(["", "# a = 1", "   "]), max_size=2),
)
def test_every_key_is_found_where_it_was_written(
    statements: list[tuple[str, str]], between: list[str]
) -> None:
    source, places = "", {}
    for name, value in statements:
        places[name] = source.count("\n") + 1
        source += "\n".join([f"{name} = {value}", *between]) + "\n"

    found = {name: line_of(source, (name,)) for name in tomllib.loads(source)}

    assert found == places
