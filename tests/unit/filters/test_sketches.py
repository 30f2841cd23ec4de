from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.contract import Sketch
from filters.sketches import bands_of, contained, resemblance, sketch_of

TEXT = (
    "The harbour was quiet when the ferry came in at 7:30. Two men in yellow coats threw the ropes "
    "to Piet, and the gangway scraped over the stones behind the customs house. "
)


def sketch(text: str) -> Sketch:
    found = sketch_of(text)
    assert found is not None
    return found


def test_a_sketch_is_the_same_on_every_machine() -> None:
    bands = bands_of(sketch(TEXT))

    assert bands[0] == BAND
    assert sketch(TEXT).slots.hex() == SLOTS


def test_a_sketch_holds_no_word_of_the_text() -> None:
    made = sketch(TEXT * 50)

    assert len(made.signature) == 4 + 64 * 4
    assert len(made.slots) <= 64
    assert b"Piet" not in made.signature + made.slots


def test_other_names_leave_the_signature_as_it_is() -> None:
    other = TEXT.replace("Piet", "Marie Curie").replace("7:30", "23:05")

    assert sketch(other).signature == sketch(TEXT).signature
    assert sketch(other).slots != sketch(TEXT).slots


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_resemblance_is_the_share_of_what_two_texts_have_in_common(share: float) -> None:
    words = [f"{a}{b}" for a in string.ascii_lowercase for b in string.ascii_lowercase]
    apart = int(len(words) * (1 - share) / 2)

    one, other = (sketch(" ".join(part)) for part in (words[apart:], words[:-apart]))

    assert resemblance(one, other) == pytest.approx(share, abs=0.15)


def test_a_part_is_known_by_its_size() -> None:
    words = string.ascii_lowercase * 4
    whole = sketch(" ".join(f"{a}{n}" for n, a in enumerate(words)).translate(LETTERS))
    part = sketch(" ".join(f"{a}{n}" for n, a in enumerate(words[:52])).translate(LETTERS))

    assert contained(part, whole) == contained(whole, part) == pytest.approx(0.5, abs=0.05)


def test_texts_that_are_alike_meet_in_a_band() -> None:
    other = TEXT.replace("yellow", "blue")

    assert set(bands_of(sketch(TEXT))) & set(bands_of(sketch(other)))


def test_other_texts_meet_nowhere() -> None:
    assert not set(bands_of(sketch(TEXT))) & set(bands_of(sketch(TEXT[::-1])))


def test_bands_are_signed_numbers_of_64_bits() -> None:
    assert all(-(2**63) <= band < 2**63 for band in bands_of(sketch(TEXT)))


def test_a_text_in_capitals_has_a_shape() -> None:
    assert resemblance(sketch(TEXT.upper()), sketch(TEXT.upper().replace("7:30", "8:15"))) == 1.0


@given(st.text(max_size=400))
def test_any_text_has_a_sketch_or_none(text: str) -> None:
    made = sketch_of(text)

    assert made is None or (made == sketch_of(text) and len(bands_of(made)) == 8)


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "piece", ["a", "a ", "A ", "@", "http://", "a@", "1.", "我", TEXT, "\0", "'a"]
)
def test_a_hundred_thousand_characters_are_sketched_in_seconds(piece: str) -> None:
    text = piece * (100_000 // len(piece))

    assert sketch_of(text) == sketch_of(text)


def test_a_hundred_thousand_different_words_are_sketched() -> None:
    assert len(sketch(" ".join(f"w{n}x" for n in range(30_000)).translate(LETTERS)).slots) == 0


LETTERS = str.maketrans(string.digits, "klmnopqrst")
BAND = 5484072546607583838
SLOTS = "73493a0508c8"
