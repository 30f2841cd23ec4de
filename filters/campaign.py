"""Campaigns: near-copies of other outputs of the same researcher with only names changed.

One personalised mail is a mail; fifty of them are a campaign. Two outputs are copies when their
shapes are nearly the same while what fills their slots differs; ``filters.sketches`` says what
shapes and slots are. The same text again, or the beginning of it, is a repeated request and counts
for nothing.

The score is 1 - 1 / count, where the count is how many different copies are known, this one
included: 0.5 for two, 0.8 for five, 0.9 for ten. So a policy's threshold t flags from 1 / (1 - t)
copies on.

Measured by ``filters.figures.contextual``: of made campaigns of five, each member counts all five
in 0.91 (SMS) to 0.96 (spam mail); with names in lower case in 0.50 to 0.92. Of 495 outputs of the
bundled release, eight to a prompt, none counts five. Texts made from one template do, and should.
"""

from __future__ import annotations

from collections.abc import Sequence

from filters.contract import Finding, Reading, Sample, Sketch
from filters.sketches import contained, resemblance, sketch_of

LABEL = "near_copies"

_ALIKE = 0.7
_DIFFERENT = 0.1  # Less alike than a part and its whole, by more than chance.


class CampaignFilter:
    """Scores how many copies of a text, with other names, its researcher has."""

    name = "campaign"
    version = "1"
    labels = (LABEL,)
    weights_digest = None

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        """Return one reading for each sample; the span is what was generated."""
        return [self._reading(sample) for sample in samples]

    def _reading(self, sample: Sample) -> Reading:
        size, begins = len(sample.text), sample.begins
        count = 1 + copies(sketch_of(sample.text[begins:]), sample.earlier)
        finding = Finding(self.name, LABEL, 1 - 1 / count, begins, size, count)
        return Reading((finding,), ((0, size),))


def copies(sketch: Sketch | None, others: Sequence[Sketch]) -> int:
    """Return how many different copies of a text are among others."""
    return 0 if sketch is None else sum(is_copy(sketch, other) for other in set(others))


def is_copy(one: Sketch, other: Sketch) -> bool:
    """Return whether two texts have the same shape and differ in what fills it."""
    alike = resemblance(one, other)
    return alike >= _ALIKE and (
        _slots_differ(one, other) or alike < contained(one, other) - _DIFFERENT
    )


def _slots_differ(one: Sketch, other: Sketch) -> bool:
    """Compare as far as both go: a text that was cut off fills its slots alike."""
    size = min(len(one.slots), len(other.slots))
    return one.slots[:size] != other.slots[:size]


CAMPAIGN = CampaignFilter()
