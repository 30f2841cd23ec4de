from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.contract import Sample
from filters.personal import PERSONAL, PERSONAL_LABELS, find_personal

# Made-up people; the addresses are of hosts that exist for nobody or for everybody.
FOUND = [
    ("Write to ada.lovelace@uni-lund.se today", "email", "ada.lovelace@uni-lund.se"),
    ("<Ada.Lovelace+x@mail.uni-lund.se>", "email", "Ada.Lovelace+x@mail.uni-lund.se"),
    ("mailto:o'hara@tuwien.ac.at?subject=x", "email", "o'hara@tuwien.ac.at"),
    ("ada.lovelace [at] uni-lund [dot] se", "email", "ada.lovelace [at] uni-lund [dot] se"),
    ("ada.lovelace at uni-lund dot se", "email", "ada.lovelace at uni-lund dot se"),
    ("ada.lovelace(at)uni-lund.se", "email", "ada.lovelace(at)uni-lund.se"),
    ("from 81.2.69.142 at noon", "ip_address", "81.2.69.142"),
    ("from 2a02:6b8::feed:ff here", "ip_address", "2a02:6b8::feed:ff"),
    ("write to ada@example.com", "sample", "ada@example.com"),
    ("write to your.name@uni-lund.se", "sample", "your.name@uni-lund.se"),
    ("write to support@uni-lund.se", "organisation", "support@uni-lund.se"),
]
PASSED = [
    "we met at home and dot the letters",
    "https://corral:word@uni-lund.se/",
    "Install it with pip install corral@1.2.3",
    "the picture photo@2x.png",
    "@ada is on the list, and so is bob@home",
    "127.0.0.1, 10.0.0.7, 192.168.1.1 and 203.0.113.9 are not people",
    "version 81.2.69.142 is out; so is v81.2.69.142",
    "999.1.1.1 is not an address",
    "It was 12:30:45 and then std::vector::size",
]


@pytest.mark.parametrize(("text", "label", "span"), FOUND)
def test_an_address_is_found(text: str, label: str, span: str) -> None:
    (hit,) = find_personal(text)

    assert (hit.label, text[hit.start : hit.end]) == (label, span)
    assert hit.score >= 0.5


@pytest.mark.parametrize("text", PASSED)
def test_what_is_no_address_passes(text: str) -> None:
    assert list(find_personal(text)) == []


def test_an_address_is_found_behind_a_local_part_of_any_length() -> None:
    text = "a" * 50_000 + ".ada@uni-lund.se"

    (hit,) = find_personal(text)

    assert (hit.label, hit.end) == ("email", len(text))


def test_a_place_is_one_kind_of_data_only() -> None:
    text = "card 4929 1375 2871 0007, call 4929 1375 2871 0007"

    labels = [hit.label for hit in find_personal(text)]

    assert labels == ["card", "card"]


def test_every_label_has_a_finding_where_there_is_nobody() -> None:
    (reading,) = PERSONAL.score([Sample("nobody is here")])

    assert {each.label: each.score for each in reading.findings} == dict.fromkeys(
        PERSONAL_LABELS, 0.0
    )


@given(st.text(max_size=200), st.text(max_size=200))
def test_spans_stay_inside_any_text(before: str, after: str) -> None:
    text = f"{before} +44 20 7946 0018 ada@uni-lund.se {after}"

    assert all(0 <= hit.start < hit.end <= len(text) for hit in find_personal(text))


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "piece",
    [
        "a", "1", "1 ", "12-", "a.", "a@", "a@b.", "@", "4111 ", "GB82 ", "(1)", "+1", "1.1.", "::",
        "call 123456", "[at]", "ssn ", "passport number ", "\x00", "\u200b", "\uff11",
    ],
)  # fmt: skip
def test_a_hundred_thousand_characters_are_read_in_seconds(piece: str) -> None:
    text = piece * (100_000 // len(piece))

    (reading,) = PERSONAL.score([Sample(text)])

    assert reading.covered == ((0, len(text)),)
