from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.contract import Sample
from filters.echo import ECHO, copied

PROMPT = (
    "Write a short story about a fox who lives behind the bakery and is afraid of the baker's dog."
)
STORY = "Once there was a fox. He lived on crumbs, and at night he listened to the ovens cool. "


def score(text: str, prompt: str, *, echo: bool = False) -> float:
    (reading,) = ECHO.score([Sample(text, prompt, echo)])
    assert reading.covered == ((0, len(text)),)
    (finding,) = reading.findings
    assert (finding.filter, finding.label) == ("echo", "prompt")
    assert 0 <= finding.start <= finding.end <= len(text)
    return finding.score


@pytest.mark.parametrize(
    "text",
    [
        PROMPT,
        PROMPT * 5,
        f"{PROMPT}\n{PROMPT}",
        f"  {PROMPT[:60]}",
        PROMPT.replace(" ", "  \n"),
        f"Sure! {PROMPT}",
    ],
)
def test_a_text_that_gives_its_prompt_back_is_an_echo(text: str) -> None:
    assert score(text, PROMPT) >= 0.9


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        (STORY, PROMPT),
        ("", PROMPT),
        ("   \n", PROMPT),
        (STORY, ""),
        (STORY, STORY[:10]),
        (f"The story about a fox who lives behind the bakery: {STORY * 3}", PROMPT),
    ],
)
def test_an_answer_is_no_echo(text: str, prompt: str) -> None:
    assert score(text, prompt) < 0.2


def test_the_prompt_that_was_asked_for_is_no_echo() -> None:
    assert score(PROMPT + STORY, PROMPT, echo=True) == 0.0


def test_an_echo_after_the_prompt_that_was_asked_for_is_one() -> None:
    text = f"{PROMPT} {PROMPT}"

    (reading,) = ECHO.score([Sample(text, PROMPT, echo=True)])

    (finding,) = reading.findings
    assert finding.score >= 0.9
    assert text[finding.start : finding.end].strip() == PROMPT
    assert finding.start >= len(PROMPT)


def test_the_score_is_the_share_that_was_copied() -> None:
    half = "x" * len(PROMPT)

    assert score(PROMPT + half, PROMPT) == pytest.approx(0.5)


def test_the_span_is_the_longest_copied_fragment() -> None:
    text = f"{PROMPT[:30]} ... {PROMPT[40:]} ..."

    _, start, end = copied(text, PROMPT)

    assert text[start:end] == PROMPT[40:]


@pytest.mark.parametrize(
    "prompt", ["狐狸住在面包店后面。" * 5, "Лиса живёт за пекарней и боится собаки"]
)
def test_every_script_is_read(prompt: str) -> None:
    assert score(f"{prompt}!", prompt) >= 0.9


@given(st.text(max_size=200), st.text(max_size=200), st.booleans())
def test_any_text_has_a_score_from_zero_to_one(text: str, prompt: str, echo: bool) -> None:
    assert 0.0 <= score(text + prompt + text, prompt, echo=echo) <= 1.0


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", ["a", PROMPT, "\0", "\u200b\ufeff", " "])
def test_a_hundred_thousand_characters_are_read_in_seconds(piece: str) -> None:
    text = piece * (100_000 // len(piece))

    assert 0.0 <= score(text, text[:32_768]) <= 1.0
