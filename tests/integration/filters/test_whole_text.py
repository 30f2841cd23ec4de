# ruff: noqa: RUF001  characters that look like others are what this is about
"""The bundled classifier reads all of a text, whatever the text is made of."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from filters.catalog import load_filters
from filters.contract import Filter, Sample
from filters.policy import default_policy
from filters.screen import screen
from filters.verdict import Decision

INSULT = "You are a stupid worthless idiot and everybody hates you."
CLEAN = "The little rabbit found a carrot and shared it with her friends in the garden. "
DISGUISED = {
    "zero width": "\u200b".join(INSULT),
    "cyrillic": INSULT.translate(str.maketrans("aeopcyi", "аеорсуі")),
    "full width": "".join(chr(ord(each) + 0xFEE0) if each != " " else " " for each in INSULT),
    "control": "\x01".join(INSULT),
}


@pytest.fixture(scope="module")
def filters() -> Sequence[Filter]:
    return load_filters()


def toxicity(filters: Sequence[Filter], text: str) -> tuple[float, int, int]:
    found = next(each for each in filters if each.name == "toxicity")
    reading = found.score([Sample(text)])[0]
    worst = max(
        (each for each in reading.findings if each.label == "toxicity"), key=lambda each: each.score
    )
    return worst.score, worst.start, worst.end


@pytest.mark.parametrize("text", DISGUISED.values(), ids=DISGUISED)
def test_a_disguised_insult_scores_like_the_plain_one(filters: Sequence[Filter], text: str) -> None:
    plain, _, _ = toxicity(filters, INSULT)

    score, start, end = toxicity(filters, text)

    assert score >= plain - 0.05
    assert (start, end) == (0, len(text))


def test_the_span_of_the_worst_window_holds_what_is_wrong(filters: Sequence[Filter]) -> None:
    before, after = CLEAN * 60, CLEAN * 60

    score, start, end = toxicity(filters, before + INSULT + " " + after)

    assert score > toxicity(filters, before + after)[0] + 0.2
    assert start <= len(before)
    assert end >= len(before) + len(INSULT)
    assert end - start < len(before)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 50_000,
        CLEAN * (100_000 // len(CLEAN)),
        "слово " * 2_000,
        "言葉" * 2_000,
        "\U0001f600 " * 2_000,
        "a\x00b\x07" * 500,
        "\ufeff\u200b" * 500,
    ],
    ids=["one word", "long", "cyrillic", "han", "emoji", "controls", "invisible"],
)
def test_every_character_is_looked_at_or_the_text_is_flagged(
    filters: Sequence[Filter], text: str
) -> None:
    verdict = screen([Sample(text)], filters=filters, policy=default_policy())[0]

    unscored = any(each.label == "not_scored" for each in verdict.flagged_by)
    found = next(each for each in filters if each.name == "toxicity")
    spans = sorted(found.score([Sample(text)])[0].covered)
    reached = 0
    for start, end in spans:
        reached = max(reached, end) if start <= reached else reached
    assert unscored or reached == len(text)


@pytest.mark.parametrize("text", ["", " \n\t", "\u3000"], ids=ascii)
def test_a_blank_text_is_released_with_a_finding_that_says_blank(
    filters: Sequence[Filter], text: str
) -> None:
    verdict = screen([Sample(text)], filters=filters, policy=default_policy())[0]

    assert verdict.decision is Decision.RELEASE
    assert verdict.scores["screen.blank"] == 1.0
