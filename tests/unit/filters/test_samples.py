"""What a filter sees of an output, and what of its findings reaches a flag."""

from __future__ import annotations

from collections.abc import Sequence

from filters.contract import Finding, Reading, Sample
from filters.policy import parse_policy
from filters.screen import screen

POLICY = parse_policy(
    'name = "test"\ntime_limit_seconds = 5\nrules = { parrot = { repeats = 0.5 } }'
)


class Parrot:
    """Finds a text that repeats its prompt, twice, and says so of seven outputs."""

    name = "parrot"
    version = "1"
    labels = ("repeats",)
    weights_digest = None

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        return [self._reading(sample) for sample in samples]

    def _reading(self, sample: Sample) -> Reading:
        repeats = float(sample.prompt in sample.text)
        findings = (
            Finding(self.name, "repeats", 0.6 * repeats, 0, 1),
            Finding(self.name, "repeats", 0.8 * repeats, 0, 1, count=7),
        )
        return Reading(findings, ((0, len(sample.text)),))


def test_a_filter_sees_what_each_text_was_generated_from() -> None:
    samples = [Sample("hello", "hello"), Sample("hello", "bye")]

    verdicts = screen(samples, filters=[Parrot()], policy=POLICY)

    assert [each.decision for each in verdicts] == ["flag", "release"]


def test_a_flag_tells_how_many_outputs_its_highest_finding_is_about() -> None:
    (verdict,) = screen([Sample("hello", "hello")], filters=[Parrot()], policy=POLICY)

    assert [(each.score, each.count) for each in verdict.flagged_by] == [(0.8, 7)]
