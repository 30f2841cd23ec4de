from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.evaluation import area_under_curve
from filters.figures.intervals import area, difference, share


def hits(found: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.arange(count) < found


def test_a_share_has_the_interval_that_wilson_gives() -> None:
    found = share(hits(81, 263))

    # R. G. Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I.
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@pytest.mark.parametrize("found", [0, 29])
def test_a_share_of_none_or_all_is_not_certain(found: int) -> None:
    estimate = share(hits(found, 29))

    assert estimate is not None
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.high - estimate.low == pytest.approx(0.1170, abs=5e-5)


def test_of_nothing_there_is_no_share() -> None:
    assert share(hits(0, 0)) is None


def test_two_shares_are_as_far_apart_as_newcombe_says() -> None:
    larger, smaller = share(hits(56, 70)), share(hits(48, 80))
    assert larger is not None
    assert smaller is not None

    apart = difference(larger, smaller)

    # R. G. Newcombe, "Interval estimation for the difference ...", 1998, table II, method 10.
    assert apart.value == pytest.approx(0.2)
    assert (apart.low, apart.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


judged = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.5, 0.9])), min_size=2, max_size=40
).filter(lambda rows: len({truth for truth, _ in rows}) == 2)


@given(judged)
def test_the_area_is_the_one_that_the_measure_gives_and_lies_in_its_interval(
    rows: list[tuple[bool, float]],
) -> None:
    truth = np.array([positive for positive, _ in rows])
    score = np.array([value for _, value in rows])

    found = area(truth, score)

    assert found is not None
    assert found.value == pytest.approx(area_under_curve(truth, score))
    assert 0 <= found.low <= found.high <= 1


def test_the_interval_of_an_area_is_the_same_each_time_and_narrows_with_more_texts() -> None:
    random = np.random.default_rng(7)
    truth = random.random(2_000) < 0.3
    score = random.normal(size=2_000) + truth

    few, many, again = area(truth[:200], score[:200]), area(truth, score), area(truth, score)

    assert few is not None
    assert many is not None
    assert again == many
    assert many.low < many.value < many.high
    assert many.high - many.low < (few.high - few.low) / 2


def test_without_both_kinds_there_is_no_area() -> None:
    assert area(hits(3, 3), np.array([0.1, 0.2, 0.3])) is None
