from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.evaluation import (
    BadRows,
    LabelledText,
    area_under_curve,
    average_precision,
    evaluate,
    label_scores,
)
from filters.links import LINKS
from filters.secrets import SECRETS

ROWS = [
    LabelledText("a", {"spam": 1.0}),
    LabelledText("b", {"spam": 0.0}),
    LabelledText("c", {"spam": 1.0}),
    LabelledText("d", {"spam": 0.0}),
    LabelledText("e", {"other": 1.0}),
]
SCORE = {"a": 0.9, "b": 0.6, "c": 0.4, "d": 0.1, "e": 1.0}

judged = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])), min_size=2
).filter(lambda rows: len({truth for truth, _ in rows}) == 2)


def test_rows_without_the_label_are_left_out() -> None:
    result = evaluate(
        ROWS, label="spam", scores=lambda texts: [SCORE[text] for text in texts], threshold=0.5
    )

    assert result.rows == 4
    assert result.auc == 0.75
    assert result.average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert (result.recall, result.false_positive_rate, result.accuracy) == (0.5, 0.5, 0.5)
    assert result.texts_per_second > 0


def test_without_a_negative_text_there_is_no_false_positive_rate() -> None:
    result = evaluate(
        [LabelledText("a", {"spam": 1.0})], label="spam", scores=lambda _: [0.9], threshold=0.5
    )

    assert (result.auc, result.false_positive_rate, result.recall) == (None, None, 1.0)


def test_a_label_that_no_row_has_is_refused() -> None:
    with pytest.raises(BadRows, match="no row has the label fraud"):
        evaluate(ROWS, label="fraud", scores=lambda texts: [0.0] * len(texts), threshold=0.5)


@given(judged)
def test_the_area_is_the_share_of_pairs_in_the_right_order(rows: list[tuple[bool, float]]) -> None:
    truth = np.array([positive for positive, _ in rows])
    score = np.array([value for _, value in rows])

    area = area_under_curve(truth, score)

    order = np.sign(score[truth][:, None] - score[~truth][None, :])
    assert area == pytest.approx((order.mean() + 1) / 2)


@given(judged)
def test_the_average_precision_is_the_sum_of_its_definition(
    rows: list[tuple[bool, float]],
) -> None:
    truth = np.array([positive for positive, _ in rows])
    score = np.array([value for _, value in rows])

    precision = average_precision(truth, score)

    expected, recall_before = 0.0, 0.0
    for threshold in sorted(set(score.tolist()), reverse=True):
        flagged = score >= threshold
        recall = (flagged & truth).sum() / truth.sum()
        expected += (recall - recall_before) * (flagged & truth).sum() / flagged.sum()
        recall_before = recall
    assert precision == pytest.approx(expected)


@pytest.mark.parametrize("label", ["suspicious", "links.suspicious"])
def test_a_label_is_found_with_or_without_its_filter(label: str) -> None:
    found, bare, scores = label_scores([SECRETS, LINKS], label)

    assert found is LINKS
    assert bare == "suspicious"
    assert scores(["plain", "http://203.0.113.9/login"]) == [0.0, pytest.approx(0.73, abs=0.01)]


@pytest.mark.parametrize("label", ["spam", "secrets.suspicious"])
def test_a_label_that_nobody_scores_is_refused(label: str) -> None:
    with pytest.raises(BadRows, match="scored by 0 filters"):
        label_scores([SECRETS, LINKS], label)
