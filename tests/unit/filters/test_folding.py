# ruff: noqa: RUF001  characters that look like others are what this is about
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.contract import Sample
from filters.folding import fold
from filters.patterns import Hit, PatternFilter

HIDDEN = (
    "pass\u200bword",
    "pass\u00adword",
    "\u202epassword",
    "p\u0430ssw\u043erd",
    "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44",
    "p\u0337a\u0337ssword",
    "\U0001d4c5\U0001d4b6\U0001d4c8\U0001d4c8\U0001d4cc\U0001d45c\U0001d4c7\U0001d4b9",
    "p a s s w o r d",
    "p.a.s.s.w.o.r.d",
    "pass\x00word",
)


@pytest.mark.parametrize("text", HIDDEN, ids=ascii)
def test_a_hidden_word_is_read_as_a_person_reads_it(text: str) -> None:
    form = fold(text)

    assert form is not None
    assert form.text == "password"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "plain text\twith\r\nspaces",
        "Привет, как дела?",
        "日本語の文章",
        "שלום עולם",
        "เสียง",
    ],
    ids=ascii,
)
def test_a_text_that_hides_nothing_has_no_other_form(text: str) -> None:
    assert fold(text) is None


def test_a_word_of_another_script_in_a_sentence_of_that_script_stays() -> None:
    form = fold("Он сор\u200b вынес")

    assert form is not None
    assert form.text == "Он сор вынес"


def test_a_span_of_the_folded_form_leads_back_to_what_was_written() -> None:
    text = "the p\u200ba\u200bss\u200bword is"
    form = fold(text)
    assert form is not None
    start = form.text.index("password")

    first, last = form.span(start, start + len("password"))

    assert text[first:last] == "p\u200ba\u200bss\u200bword"


@given(st.text(max_size=60), st.data())
def test_every_span_of_the_folded_form_is_a_span_of_the_text(
    text: str, data: st.DataObject
) -> None:
    form = fold(text)
    if form is None:
        return
    end = data.draw(st.integers(0, len(form.text)))
    start = data.draw(st.integers(0, end))

    first, last = form.span(start, end)

    assert 0 <= first <= last <= len(text)
    assert list(form.places) == sorted(form.places)
    assert len(form.places) == len(form.text)


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing_more_in_plain_text(text: str) -> None:
    form = fold(text)
    if form is None or not form.text.isascii():
        return
    again = fold(form.text)

    assert again is None or len(again.text) < len(form.text)  # Letters may come to stand alone.


@pytest.mark.parametrize(
    "unit", ["é", "a ", "ж", "\u200b", "a.b-", "\u0337", "\U0001d4b6 "], ids=ascii
)
def test_a_hundred_thousand_characters_are_folded(unit: str) -> None:
    text = (unit * 100_000)[:100_000]

    form = fold(text)

    assert form is None or len(form.text) <= len(text)


def test_a_pattern_finds_what_only_the_folded_form_shows() -> None:
    def find(text: str) -> list[Hit]:
        place = text.find("password")
        return [Hit("word", 1.0, place, place + 8)] if place >= 0 else []

    words = PatternFilter("words", "1", ("word",), lambda text: iter(find(text)))

    reading = words.score([Sample("my p\u0430ss\u200bword")])[0]

    assert [(each.score, each.start, each.end) for each in reading.findings] == [(1.0, 3, 12)]


def test_what_both_forms_show_is_found_once() -> None:
    words = PatternFilter("words", "1", ("word",), lambda _: iter([Hit("word", 1.0, 0, 2)]))

    reading = words.score([Sample("ab\u200b cd")])[0]

    assert len(reading.findings) == 1
