"""Which reviews are urgent, and which need two reviewers."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.db.tables import new_id
from registry.reviews.model import Severity
from registry.reviews.opening import is_second_drawn, worst

DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(st.uuids(), DIGESTS)
def test_a_share_of_nothing_draws_nobody_and_of_everything_everybody(
    output: UUID, digest: str
) -> None:
    assert not is_second_drawn(output, policy_digest=digest, share=0.0)
    assert is_second_drawn(output, policy_digest=digest, share=1.0)


@given(st.uuids(), DIGESTS, st.floats(0, 1), st.floats(0, 1))
def test_who_is_drawn_for_a_share_is_drawn_for_a_larger_one(
    output: UUID, digest: str, one: float, other: float
) -> None:
    smaller, larger = sorted((one, other))

    if is_second_drawn(output, policy_digest=digest, share=smaller):
        assert is_second_drawn(output, policy_digest=digest, share=larger)


def test_about_the_share_is_drawn() -> None:
    outputs = [new_id() for _ in range(4000)]

    drawn = sum(is_second_drawn(each, policy_digest="ab" * 32, share=0.25) for each in outputs)

    assert 800 < drawn < 1200


def test_another_policy_draws_others() -> None:
    outputs = [new_id() for _ in range(200)]

    lots = [
        [is_second_drawn(each, policy_digest=digest * 64, share=0.5) for each in outputs]
        for digest in "ab"
    ]

    assert lots[0] != lots[1]


@pytest.mark.parametrize(
    ("severities", "highest"),
    [
        (["low"], Severity.LOW),
        (["low", "medium"], Severity.MEDIUM),
        (["high", "low"], Severity.HIGH),
        (["low", None], Severity.MEDIUM),
        (["low", "unheard of"], Severity.HIGH),
        ([], Severity.HIGH),
    ],
)
def test_a_review_is_as_severe_as_its_worst_flag(
    severities: list[str | None], highest: Severity
) -> None:
    flags = [{} if each is None else {"severity": each} for each in severities]

    assert worst(flags) is highest
