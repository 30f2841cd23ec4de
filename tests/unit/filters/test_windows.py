from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.windows import windows


@st.composite
def texts(draw: st.DrawFn) -> tuple[list[tuple[int, int]], int]:
    """Offsets of tokens with gaps between, and the length of the text."""
    offsets: list[tuple[int, int]] = []
    place = draw(st.integers(0, 3))
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), max_size=80)):
        offsets.append((place + gap, place + gap + length))
        place += gap + length
    return offsets, place + draw(st.integers(0, 3))


sizes = st.integers(2, 12).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1)))


@given(texts(), sizes)
def test_windows_cover_every_character(
    text: tuple[list[tuple[int, int]], int], sizes: tuple[int, int]
) -> None:
    offsets, characters = text

    found = windows(offsets, characters=characters, size=sizes[0], overlap=sizes[1])

    reached = 0
    for window in found:
        assert window.start <= reached
        reached = max(reached, window.end)
    assert reached == characters


@given(texts(), sizes)
def test_windows_cover_every_token_and_none_is_too_long(
    text: tuple[list[tuple[int, int]], int], sizes: tuple[int, int]
) -> None:
    offsets, characters = text

    found = windows(offsets, characters=characters, size=sizes[0], overlap=sizes[1])

    seen = {token for window in found for token in range(window.first, window.last)}
    assert seen == set(range(len(offsets)))
    assert all(window.last - window.first <= sizes[0] for window in found)


@given(texts(), sizes)
def test_neighbouring_windows_share_at_least_the_overlap(
    text: tuple[list[tuple[int, int]], int], sizes: tuple[int, int]
) -> None:
    offsets, characters = text

    found = windows(offsets, characters=characters, size=sizes[0], overlap=sizes[1])

    for before, after in pairwise(found):
        assert before.last - after.first >= sizes[1]


def test_the_span_of_a_window_holds_its_tokens() -> None:
    offsets = [(0, 3), (4, 7), (8, 11), (12, 15), (16, 19)]

    found = windows(offsets, characters=20, size=2, overlap=1)

    assert [(each.start, each.end) for each in found] == [(0, 8), (4, 12), (8, 16), (12, 20)]


def test_a_text_without_tokens_is_one_window() -> None:
    (found,) = windows([], characters=3, size=8, overlap=2)

    assert (found.first, found.last, found.start, found.end) == (0, 0, 0, 3)


@pytest.mark.parametrize("overlap", [-1, 8, 9])
def test_an_overlap_that_would_not_advance_is_refused(overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        windows([(0, 1)], characters=1, size=8, overlap=overlap)
