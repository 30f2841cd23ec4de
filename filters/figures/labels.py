"""The figures of one label on one data set."""

from __future__ import annotations

from dataclasses import dataclass

from filters.evaluation import average_precision
from filters.figures.calibration import calibration_error
from filters.figures.intervals import Estimate, area, share
from filters.figures.scoring import Scored


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """What one label's scores are worth on one data set.

    Attributes:
        dataset: Name of the data set.
        label: Filter and label.
        positives: Texts that are what the label says.
        negatives: Texts that are not.
        auc: Chance that a positive outscores a negative; unset without both.
        average_precision: Area under the precision-recall curve; unset without both.
        threshold: The policy's; unset where it has none, and then the next three are too.
        recall: Share of the positives that reach it.
        false_positive_rate: Share of the negatives that reach it.
        accuracy: Share of the texts that are judged right by it.
        calibration_error: Mean distance of score and truth; unset without both kinds.
        flagged_positives: Share of the positives that anything in the policy flags.
        flagged_negatives: Share of the negatives that anything in the policy flags.
    """

    dataset: str
    label: str
    positives: int
    negatives: int
    auc: Estimate | None
    average_precision: float | None
    threshold: float | None
    recall: Estimate | None
    false_positive_rate: Estimate | None
    accuracy: Estimate | None
    calibration_error: float | None
    flagged_positives: Estimate | None
    flagged_negatives: Estimate | None


def measure_label(scored: Scored, label: str) -> LabelFigures:
    """Compare a label's scores with what is known."""
    places, truth = scored.known(label)
    score, flagged = scored.scores[label][places], scored.flagged[places]
    threshold = scored.thresholds.get(label)
    reached = scored.reaches(label)[places]
    has_both = bool(truth.any() and not truth.all())
    return LabelFigures(
        dataset=scored.name,
        label=label,
        positives=int(truth.sum()),
        negatives=int((~truth).sum()),
        auc=area(truth, score),
        average_precision=average_precision(truth, score) if has_both else None,
        threshold=threshold,
        recall=share(reached[truth]) if threshold is not None else None,
        false_positive_rate=share(reached[~truth]) if threshold is not None else None,
        accuracy=share(reached == truth) if threshold is not None else None,
        calibration_error=calibration_error(truth, score) if has_both else None,
        flagged_positives=share(flagged[truth]),
        flagged_negatives=share(flagged[~truth]),
    )
