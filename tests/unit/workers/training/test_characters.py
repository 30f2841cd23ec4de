import math

import numpy as np
import pytest

from workers.training.characters import CharacterModel

TEXTS = ["the cat sat on the mat", "the dog sat on the log", "a cat and a dog"]

CODE_POINTS = 0x110000


@pytest.mark.parametrize("past", ["", "t", "the c", "zzz", "on the"])
def test_the_chances_of_all_characters_sum_to_one(past: str) -> None:
    model = CharacterModel(TEXTS, order=3)
    known = sorted({character for text in TEXTS for character in text})

    chances = [model.chances([past + character])[len(past)] for character in known]
    end = model.chances([past])[len(past)]
    unknown = model.chances([past + "\u2603"])[len(past)] * (CODE_POINTS - len(known) - 1)

    assert math.isclose(sum(chances) + end + unknown, 1.0, rel_tol=1e-9)


def test_a_text_like_the_counted_ones_needs_fewer_bits() -> None:
    model = CharacterModel(TEXTS, order=5)

    like, unlike = model.bits(["the cat sat on the log"]), model.bits(["gol eht no tas tac eht"])

    assert like < unlike / 2


def test_documents_are_predicted_one_by_one() -> None:
    model = CharacterModel(TEXTS, order=0)

    together = model.bits(["the cat", "the dog"])
    apart = model.bits(["the cat"]) + model.bits(["the dog"])

    assert math.isclose(together, apart)


def test_a_character_never_counted_has_a_chance_all_the_same() -> None:
    model = CharacterModel(TEXTS, order=5)

    chances = model.chances(["the \u2603"])

    assert np.all(chances > 0.0)


def test_an_order_too_long_for_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match="62 bits"):
        CharacterModel(TEXTS, order=6)
