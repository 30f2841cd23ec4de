from dataclasses import replace
from typing import Any

import pytest

from registry.errors import BadParameters, PromptTooLarge
from registry.jobs.parameters import Parameters, check_prompt

GOOD = Parameters(
    max_new_tokens=8, temperature=0.7, top_p=0.9, top_k=0, seed=1, n=1, stop=("\n",), echo=False
)


@pytest.mark.parametrize(
    "change",
    [
        {"max_new_tokens": 0},
        {"max_new_tokens": 101},
        {"temperature": -0.1},
        {"temperature": 5.1},
        {"temperature": float("nan")},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"top_p": float("nan")},
        {"top_k": -1},
        {"seed": -1},
        {"seed": 2**53},
        {"n": 0},
        {"n": 5},
        {"stop": ("",)},
        {"stop": ("x",) * 9},
        {"stop": ("a\0",)},
    ],
    ids=str,
)
def test_a_parameter_out_of_range_is_named(change: dict[str, Any]) -> None:
    with pytest.raises(BadParameters) as refusal:
        replace(GOOD, **change).check(outputs_limit=4, new_tokens_limit=100)

    assert refusal.value.facts["parameter"] == next(iter(change))


def test_good_parameters_pass() -> None:
    GOOD.check(outputs_limit=4, new_tokens_limit=100)


def test_a_prompt_too_large_is_told_by_how_much() -> None:
    with pytest.raises(PromptTooLarge, match="2 more"):
        check_prompt("äb", limit_bytes=1)


@pytest.mark.parametrize("prompt", ["a\0b", "\ud800"])
def test_a_prompt_that_no_database_can_hold_is_refused(prompt: str) -> None:
    with pytest.raises(BadParameters):
        check_prompt(prompt, limit_bytes=100)
