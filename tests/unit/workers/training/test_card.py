import pytest

from workers.training.card import fill

CARD = """# Card

<!-- files -->
old | lines
<!-- end -->

Prose in between.

<!-- results -->
<!-- end -->
"""


def test_a_place_is_filled_and_the_prose_stays() -> None:
    filled = fill(CARD, {"files": r"| new \1 |"})

    assert "old" not in filled
    assert r"<!-- files -->" + "\n\n" + r"| new \1 |" + "\n\n<!-- end -->" in filled
    assert filled.count("Prose in between.") == 1
    assert filled.endswith("<!-- results -->\n<!-- end -->\n")


def test_filling_twice_changes_nothing_more() -> None:
    once = fill(CARD, {"files": "one", "results": "two"})

    twice = fill(once, {"files": "one", "results": "two"})

    assert twice == once


def test_two_empty_places_are_filled_apart() -> None:
    card = "<!-- one -->\n<!-- end -->\n<!-- two -->\n<!-- end -->\n"

    filled = fill(card, {"one": "1", "two": "2"})

    assert filled == "<!-- one -->\n\n1\n\n<!-- end -->\n<!-- two -->\n\n2\n\n<!-- end -->\n"


def test_a_figure_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no place <!-- speed -->"):
        fill(CARD, {"speed": "fast"})
