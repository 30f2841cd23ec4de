"""What a policy only notes holds nothing back, and hides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from filters.contract import Finding, Reading, Sample
from filters.policy import parse_policy
from filters.rules import Action, Rule, weigh
from filters.screen import screen
from filters.verdict import Decision, Flag, Severity, Verdict

POLICY = parse_policy(
    'name = "test"\ntime_limit_seconds = 5\nrules.tone.sharp = 0.5\n'
    '[rules.mood]\nanger = { threshold = 0.5, action = "note", severity = "low" }'
)


@dataclass
class Fixed:
    """Scores every text alike, or not at all."""

    name: str
    label: str
    answer: float | None

    version = "1"
    weights_digest = None

    @property
    def labels(self) -> tuple[str, ...]:
        return (self.label,)

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        if self.answer is None:
            raise RuntimeError("out of order")
        finding = Finding(self.name, self.label, self.answer, 0, 1)
        return [Reading((finding,), ((0, len(each.text)),)) for each in samples]


def judge(*, mood: float | None, tone: float | None) -> Verdict:
    filters = [Fixed("mood", "anger", mood), Fixed("tone", "sharp", tone)]
    (verdict,) = screen([Sample("hello")], filters=filters, policy=POLICY)
    return verdict


def test_a_label_that_is_only_noted_holds_nothing_back() -> None:
    verdict = judge(mood=0.9, tone=0.1)

    assert (verdict.decision, verdict.flagged_by) == (Decision.RELEASE, ())
    assert verdict.noted == (Flag("mood", "anger", 0.9, 0.5, severity=Severity.LOW),)


def test_a_note_stands_beside_what_flags() -> None:
    verdict = judge(mood=0.9, tone=0.6)

    assert [each.label for each in verdict.flagged_by] == ["sharp"]
    assert [each.label for each in verdict.noted] == ["anger"]


def test_a_filter_for_notes_flags_what_it_did_not_score() -> None:
    verdict = judge(mood=None, tone=0.1)

    assert verdict.decision is Decision.FLAG
    assert verdict.flagged_by == (Flag("mood", "not_scored", 1.0, 0.0, severity=Severity.HIGH),)


scores = st.floats(0, 1)
rules = st.builds(Rule, st.floats(0.01, 1), st.sampled_from(Action), st.sampled_from(Severity))


@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(scores, rules), min_size=1))
def test_every_label_at_its_threshold_is_flagged_or_noted_and_no_other(
    given_rules: dict[str, tuple[float, Rule]],
) -> None:
    findings = [Finding("mood", label, score, 0, 1) for label, (score, _) in given_rules.items()]

    over = weigh(findings, {label: rule for label, (_, rule) in given_rules.items()})

    for action in Action:
        assert {each.label for each in over[action]} == {
            label
            for label, (score, rule) in given_rules.items()
            if score >= rule.threshold and rule.action is action
        }
