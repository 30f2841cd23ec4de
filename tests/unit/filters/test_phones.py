from __future__ import annotations

import pytest

from filters.phones import find_phones
from filters.punctuation import plain_punctuation

FOUND = [
    ("+44 20 7946 1234", "+44 20 7946 1234"),
    ("+46 (0)8 928 571 38", "+46 (0)8 928 571 38"),
    ("ring +353-51-873640 now", "+353-51-873640"),
    ("at 650-723-3950 or", "650-723-3950"),
    ("at (650) 723-3950 x12", "(650) 723-3950 x12"),
    ("1-650-723-3950", "1-650-723-3950"),
    ("the line is 020 7499 2264", "020 7499 2264"),
    ("le 01.45.92.16.85 le soir", "01.45.92.16.85"),
    ("Please call me on 450 0840.", "450 0840"),
    ("Phone:\n9469 9966\n", "9469 9966"),
    ("71-33-52-22 office", "71-33-52-22"),
    ("her number is 358 0594, he said", "358 0594"),
    ("Tel.:0341 8387176", "0341 8387176"),
]
PASSED = [
    "He lived from 1832-1898, and called it home 1865-1871.",
    "the work of Francis Bacon (1561\u20131626), and the office (2613-2181 BCE)",
    "Call before 2019-03-12 or 12.03.2019.",
    "In 2023 the office sold 1,234,567 books.",
    "It costs $4500840 to call.",
    "order number 45008401",
    "The message was 14-23 16-18-9-13-5.",
    "call 1 2 3 4 5 6 7 8",
    "the numbers 3.14159265 and 2718281828",
    "https://a.example/call/4500840",
    "ISBN 978-3-16-148410-0",
    "at 10:30, 11:45 and 12:00",
    "call 911",
]


@pytest.mark.parametrize(("text", "number"), FOUND)
def test_a_telephone_number_is_found(text: str, number: str) -> None:
    (hit,) = find_phones(text)

    assert (hit.label, text[hit.start : hit.end]) == ("phone", number)
    assert hit.score >= 0.5


@pytest.mark.parametrize("text", PASSED)
def test_another_number_passes(text: str) -> None:
    assert list(find_phones(plain_punctuation(text))) == []


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Call 212-555-0123.", "sample"),
        ("Call 123-456-7890.", "sample"),
        ("Call (800) 356-9377.", "organisation"),
        ("Call +44 800 111 4567.", "organisation"),
    ],
)
def test_a_number_that_is_no_persons_has_a_label_of_its_own(text: str, label: str) -> None:
    (hit,) = find_phones(text)

    assert hit.label == label
