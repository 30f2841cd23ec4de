"""What is printed is safe on a terminal."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli import render


@given(st.text())
def test_no_control_character_reaches_the_terminal(text: str) -> None:
    shown = render.plain(text)

    assert all(c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"} for c in shown)


@pytest.mark.parametrize("text", ["plain", "two\nlines\tand a tab", "Grüße, 你好 👩\u200d🔬"])
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    assert render.plain(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("new\rold", "new\\rold"),
        ("\x9b31m", "\\x9b31m"),
        ("user\u202etxt", "user\\u202etxt"),
    ],
)
def test_what_would_fool_a_reader_is_escaped(text: str, shown: str) -> None:
    assert render.plain(text) == shown


def test_a_table_shows_cells_as_text_and_not_as_markup(capsys: pytest.CaptureFixture[str]) -> None:
    render.print_table(("a", "b"), [("[red]x[/red]", "\x1b]0;title\x07")], empty="none")

    assert "[red]x[/red]  \\x1b]0;title\\x07" in capsys.readouterr().out


def test_a_table_in_a_pipe_is_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    render.print_table(("long",), [("x" * 500,)], empty="none")

    assert "x" * 500 in capsys.readouterr().out


def test_an_empty_table_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    render.print_table(("a",), [], empty="nothing yet")

    assert capsys.readouterr().out == "nothing yet\n"


def test_json_is_one_line_of_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    render.print_json({"text": "\x1b[31m\nü\u202e"})

    printed = capsys.readouterr().out
    assert printed.isascii()
    assert printed.count("\n") == 1
    assert json.loads(printed) == {"text": "\x1b[31m\nü\u202e"}


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (13_476_925_163, "13.5 GB")],
)
def test_sizes_are_in_si_units(count: int, shown: str) -> None:
    assert render.size(count) == shown
