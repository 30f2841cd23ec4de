from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.contract import Sample
from filters.repetition import REPETITION, find_repetition

CLEAN = (
    "The harbour was quiet when the ferry came in. Two men threw the ropes, and the gangway "
    "scraped over the stones. Behind the customs house somebody was frying fish. A girl with a "
    "suitcase asked for the night train; nobody could say whether it still went. "
)
LOOPS = [
    "It was a big, bright blue cabinet. " * 12,
    CLEAN + "I am sorry I was mean to you. " * 20,
    "And thou art a king, and thy king,\nAnd thou art a kingdom, and thy king,\n" * 6,
    "very " * 60,
    "a" * 50_000,
    "ha" * 200,
    "\u200b" * 500,
    "=" * 400,
    "1. Buy milk\n" * 40,
    "我不知道该怎么办。" * 60,
    "😀😀🙃" * 150,
    "\x07\x1b[0m" * 100,
]
POEM = """Row, row, row your boat,
Gently down the stream.
Merrily, merrily, merrily, merrily,
Life is but a dream.
"""
ORDINARY = [
    "",
    " \n\t" * 1000,
    "no no no no no no",
    "Ha ha ha ha ha ha ha!",
    "To be, or not to be, that is the question.",
    CLEAN,
    CLEAN * 2,
    POEM * 2,
    CLEAN + POEM + CLEAN + POEM,
    "\n".join(f"{number}. {word}" for number, word in enumerate(CLEAN.split())),
    "".join(f"    assert add({n}, {n + 1}) == {2 * n + 1}\n" for n in range(12)),
    "Title\n" + "-" * 40 + "\n" + CLEAN,
    "\n\n\n".join(CLEAN.split(". ")) + "\n" * 300,
]


def score(text: str) -> float:
    (reading,) = REPETITION.score([Sample(text)])
    assert reading.covered == ((0, len(text)),)
    assert {each.label for each in reading.findings} == {"degenerate"}
    return max(each.score for each in reading.findings)


@pytest.mark.parametrize("text", LOOPS, ids=range(len(LOOPS)))
def test_a_text_that_loops_scores_high(text: str) -> None:
    assert score(text) >= 0.65


@pytest.mark.parametrize("text", ORDINARY, ids=range(len(ORDINARY)))
def test_a_text_that_only_reuses_phrases_scores_low(text: str) -> None:
    assert score(text) < 0.5


def test_a_loop_scores_higher_the_longer_it_goes_on() -> None:
    scores = [score("I was mean to you. " * times) for times in (1, 3, 5, 9, 20)]

    assert scores == sorted(set(scores))


def test_good_text_around_a_loop_does_not_hide_it() -> None:
    long = "".join(f"{n}th: {CLEAN}".translate({97: 97 + n % 26}) for n in range(30))

    assert score(long + "the same again, " * 40 + long) >= 0.9


def test_the_span_is_the_loop() -> None:
    text = f"{CLEAN}\n\n{'And then he said it. ' * 30}"

    (hit,) = find_repetition(text)

    assert len(CLEAN) < hit.start < len(CLEAN) + 60
    assert text[hit.start : hit.end].count("And then he said it.") >= 11


@given(st.text(max_size=300), st.text(min_size=1, max_size=20))
def test_any_text_has_a_score_from_zero_to_one(text: str, piece: str) -> None:
    for hit in find_repetition(text + piece * 40):
        assert 0.0 < hit.score <= 1.0
        assert 0 <= hit.start < hit.end <= len(text + piece * 40)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", ["a", "ab ", " ", string.printable, "\0", CLEAN])
def test_a_hundred_thousand_characters_are_read_in_seconds(piece: str) -> None:
    assert 0.0 <= score(piece * (100_000 // len(piece))) <= 1.0
