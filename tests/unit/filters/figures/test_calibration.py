from __future__ import annotations

import numpy as np
import pytest

from filters.figures.calibration import calibration_error, reliability


def test_scores_that_keep_their_word_have_no_error() -> None:
    score = np.repeat([0.25, 0.75], [400, 400])
    truth = np.concatenate([np.arange(400) < 100, np.arange(400) < 300])

    assert calibration_error(truth, score) == pytest.approx(0.0)


def test_the_error_weighs_each_bin_by_its_texts() -> None:
    score = np.array([0.95, 0.95, 0.95, 0.05])
    truth = np.array([True, False, False, False])

    error = calibration_error(truth, score)

    assert error == pytest.approx(0.75 * (0.95 - 1 / 3) + 0.25 * 0.05)


def test_bins_come_lowest_first_and_the_highest_score_is_in_the_last() -> None:
    bins = reliability(np.array([True, False, True]), np.array([1.0, 0.0, 0.91]))

    assert [(each.texts, each.positives) for each in bins] == [(1, 0.0), (2, 1.0)]
