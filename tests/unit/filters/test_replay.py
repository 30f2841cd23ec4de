"""Another policy decides about what was found before; only what was not looked for is scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from filters.contract import Finding, Reading, Sample
from filters.policy import Policy, parse_policy
from filters.replay import Screened, judge_again
from filters.screen import screen
from filters.verdict import Decision

TEXT = Sample("hello")


@dataclass
class Fixed:
    """Scores every text alike, or raises."""

    name: str
    answer: float | None
    asked: list[int] = field(default_factory=list)

    version = "1"
    labels = ("one",)
    weights_digest = None

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        self.asked.append(len(samples))
        if self.answer is None:
            raise RuntimeError("out of order")
        finding = Finding(self.name, "one", self.answer, 0, 1)
        return [Reading((finding,), ((0, len(each.text)),)) for each in samples]


def policy(**rules: str) -> Policy:
    lines = [f"[rules.{name}]\none = {rule}" for name, rule in rules.items()]
    return parse_policy('name = "p"\ntime_limit_seconds = 5\n' + "\n".join(lines))


def found(**scores: float) -> Screened:
    return Screened(TEXT, tuple(Finding(name, "one", it, 0, 1) for name, it in scores.items()))


def test_another_threshold_is_decided_without_asking_a_filter() -> None:
    mood = Fixed("mood", None)

    strict, lax = (
        judge_again([found(mood=0.6)], policy=policy(mood=it), filters=[mood])[0]
        for it in ("0.5", "0.7")
    )

    assert (strict.decision, lax.decision) == (Decision.FLAG, Decision.RELEASE)
    assert [(each.label, each.threshold) for each in strict.flagged_by] == [("one", 0.5)]
    assert mood.asked == []


def test_what_is_only_noted_flags_nothing() -> None:
    rules = policy(mood='{ threshold = 0.5, action = "note" }', tone="0.5")

    [judged] = judge_again([found(mood=0.9, tone=0.1)], policy=rules, filters=[])

    assert judged.decision is Decision.RELEASE


def test_a_filter_that_was_not_there_scores_the_text_and_no_other_does() -> None:
    mood, tone = Fixed("mood", None), Fixed("tone", 0.8)
    texts = [found(mood=0.1), found(mood=0.1, tone=0.1), found(mood=0.1)]

    judged = judge_again(texts, policy=policy(mood="0.5", tone="0.5"), filters=[mood, tone])

    assert [each.decision for each in judged] == ["flag", "release", "flag"]
    assert [sorted(each.scored_again) for each in judged] == [["tone"], [], ["tone"]]
    assert (mood.asked, tone.asked) == ([], [2])


def test_a_filter_that_fails_flags() -> None:
    rules = policy(mood="0.5", tone="0.5")

    [judged] = judge_again([found(mood=0.1)], policy=rules, filters=[Fixed("tone", None)])

    assert [(each.filter, each.label) for each in judged.flagged_by] == [("tone", "not_scored")]


def test_a_filter_that_is_not_loaded_flags() -> None:
    [judged] = judge_again([found(mood=0.1)], policy=policy(mood="0.5", tone="0.5"), filters=[])

    assert judged.decision is Decision.FLAG


scores = st.floats(0, 1)
rules = st.builds(
    '{{ threshold = {:.3f}, action = "{}" }}'.format,
    st.floats(0.01, 1),
    st.sampled_from(["flag", "note"]),
)


@given(scores, scores, scores, rules, rules)
def test_under_the_policy_that_gave_a_verdict_it_comes_out_again(
    one: float, two: float, three: float, first: str, second: str
) -> None:
    filters = [Fixed("mood", one), Fixed("tone", two), Fixed("wit", three)]
    same = policy(mood=first, tone=second, wit="0.5")
    [before] = screen([TEXT], filters=filters, policy=same)

    [after] = judge_again([Screened(TEXT, before.findings)], policy=same, filters=[])

    assert (after.decision, after.flagged_by) == (before.decision, before.flagged_by)
    assert not after.scored_again
