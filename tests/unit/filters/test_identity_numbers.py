from __future__ import annotations

import pytest

from filters.identity_numbers import find_identity_numbers

# Right check digits, given to nobody.
FOUND = [
    ("my card 4929137528710007 is lost", "card", 1.0),
    ("4929 1375 2871 0007", "card", 0.8),
    ("4929-1375-2871-0007", "card", 0.8),
    ("pay with 3782 822463 10013 please", "card", 0.8),
    ("Visa 4563824065059", "card", 1.0),
    ("card 4131034282458809939", "card", 1.0),
    ("IBAN GB97LOWW46888763196059", "iban", 1.0),
    ("to GB97 LOWW 4688 8763 1960 59 BEFORE NOON", "iban", 1.0),
    ("my SSN is 856-45-6789", "national_number", 1.0),
    ("856-45-6789", "national_number", 0.8),
    ("social security number 856456789", "national_number", 1.0),
    ("SSN: 856 45 6789", "national_number", 1.0),
    ("QQ 12 34 56 C is refused, AB 12 34 56 C is not", "national_number", 0.8),
    ("NHS number 943 476 5919", "national_number", 1.0),
    ("DNI 54362315K", "national_number", 1.0),
    ("RCCMNL83S18D969H", "national_number", 0.8),
    ("390.533.447-05", "national_number", 0.8),
    ("131052-308T", "national_number", 0.8),
    ("BSN: 111222333", "national_number", 1.0),
    ("my driver's license number is 6940579", "national_number", 0.6),
    ("driving licence no. J61408733407025 (NJ)", "national_number", 0.6),
    ("Passport no: L8988901C", "national_number", 0.6),
]
PASSED = [
    "4929137528710008 has another check digit",
    "card 0000 0000 0000 0000",
    "9991234567890123 starts like no issuer's",
    "4563824065059 is an article number",
    "GB98LOWW46888763196059",
    "GB97 is a motorway",
    "000-45-6789, 666-45-6789 and 900-45-6789 are never given out",
    "111222333 sheep",
    "The passport number is on page 2.",
    "your driver's license number is required",
    "1.4929137528710007 meters",
]


@pytest.mark.parametrize(("text", "label", "score"), FOUND)
def test_a_number_of_a_person_is_found(text: str, label: str, score: float) -> None:
    (hit,) = find_identity_numbers(text)

    assert (hit.label, hit.score) == (label, score)


@pytest.mark.parametrize("text", PASSED)
def test_a_number_that_is_nobodys_passes(text: str) -> None:
    assert list(find_identity_numbers(text)) == []


@pytest.mark.parametrize(
    "text", ["4111 1111 1111 1111", "GB82 WEST 1234 5698 7654 32", "SSN 123-45-6789"]
)
def test_a_number_of_the_manuals_is_a_sample(text: str) -> None:
    (hit,) = find_identity_numbers(text)

    assert hit.label == "sample"


def test_the_span_of_an_account_ends_before_the_next_word() -> None:
    text = "to GB97 LOWW 4688 8763 1960 59 BEFORE NOON"

    (hit,) = find_identity_numbers(text)

    assert text[hit.start : hit.end] == "GB97 LOWW 4688 8763 1960 59"
