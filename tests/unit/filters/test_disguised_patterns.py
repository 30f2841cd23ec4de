"""What a reader still reads, the patterns still find, and where it stands in the text."""

from __future__ import annotations

import pytest

from filters.canaries import check_canaries
from filters.contract import Filter, Sample
from filters.links import LINKS
from filters.patterns import MOST_HITS
from filters.personal import PERSONAL
from filters.secrets import SECRETS

LETTERS = "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5zA7"
DISGUISED = [
    (SECRETS, "token", "g\u200bhp_" + LETTERS),
    (SECRETS, "token", "ghp_\uff41" + LETTERS[1:]),
    (SECRETS, "token", "gh\x00p_" + LETTERS),
    (SECRETS, "token", "\u0430pi_key = \u201c" + LETTERS + "\u201d"),
    (SECRETS, "password", "p\u0430ssword: Xk39!vLq20"),
    (PERSONAL, "email", "ada.lovelace\u200b@uni-lund.se"),
    (PERSONAL, "email", "\uff41da.lovelace\uff20uni-lund.se"),
    (PERSONAL, "email", "ada.lovelace@uni-lund\u3002se"),
    (PERSONAL, "phone", "Call \uff14\uff14 20 7946 1234"),
    (PERSONAL, "phone", "+4\u200b4 20 7946 1234"),
    (PERSONAL, "card", "4\u200b929137528710007"),
    (PERSONAL, "card", "4929\u00a01375\u00a02871\u00a00007"),
    (PERSONAL, "card", "\uff14929 1375 2871 0007"),
    (PERSONAL, "card", "4 9 2 9 1 3 7 5 2 8 7 1 0 0 0 7"),
    (PERSONAL, "national_number", "856\u201145\u20116789"),
    (PERSONAL, "iban", "GB97\u200bLOWW46888763196059"),
    (LINKS, "suspicious", "ht\u200btp://203.0.113.9/login"),
    (LINKS, "suspicious", "http\uff1a//203.0.113.9/login"),
]


@pytest.mark.parametrize(("each", "label", "text"), DISGUISED)
def test_a_disguise_hides_nothing(each: Filter, label: str, text: str) -> None:
    (reading,) = each.score([Sample(f"So: {text} then.")])

    found = [one for one in reading.findings if one.label == label and one.score >= 0.5]
    assert found
    assert all(4 <= one.start < one.end <= 4 + len(text) for one in found)


@pytest.mark.parametrize("each", [SECRETS, PERSONAL, LINKS], ids=lambda each: each.name)
def test_the_canaries_of_the_patterns_are_scored_right(each: Filter) -> None:
    check_canaries([each])


@pytest.mark.timeout(20)
@pytest.mark.parametrize("each", [SECRETS, PERSONAL, LINKS], ids=lambda each: each.name)
@pytest.mark.parametrize(
    "piece", ["a\u200b", "\u0430", "\uff11", "1 ", "\x00", "ada@uni-lund.se ", "http://\u0430.se "]
)
def test_a_hundred_thousand_strange_characters_are_read_in_seconds(
    each: Filter, piece: str
) -> None:
    text = piece * (100_000 // len(piece))

    (reading,) = each.score([Sample(text)])

    assert reading.covered == ((0, len(text)),)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("each", [SECRETS, PERSONAL, LINKS], ids=lambda each: each.name)
def test_one_word_of_fifty_thousand_letters_is_read_in_seconds(each: Filter) -> None:
    (reading,) = each.score([Sample("w" * 50_000)])

    assert reading.covered == ((0, 50_000),)


def test_a_text_full_of_addresses_has_as_many_findings_as_a_person_reads() -> None:
    (reading,) = PERSONAL.score([Sample("ada@uni-lund.se " * 5_000)])

    assert len([one for one in reading.findings if one.label == "email"]) == MOST_HITS
