"""Every way in which another gate fails open is here as a way in which ours flags."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from threading import enumerate as enumerate_threads
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.contract import Filter, Finding, Reading, Sample
from filters.policy import Policy, parse_policy
from filters.screen import screen
from filters.verdict import Decision, Flag, Severity, Verdict

POLICY = parse_policy('name = "test"\ntime_limit_seconds = 5\nrules = { mood = { anger = 0.5 } }')
HASTY = parse_policy(
    'name = "hasty"\ntime_limit_seconds = 0.05\nrules = { mood = { anger = 0.5 } }'
)


def reading(text: str, score: float = 0.0) -> Reading:
    return Reading((Finding("mood", "anger", score, 0, len(text)),), ((0, len(text)),))


def calm(text: str) -> Reading:
    return reading(text, 0.9 if "!" in text else 0.1)


@dataclass
class Mood:
    """Answers for each text as it is told to."""

    answer: Callable[[str], Any] = calm
    name: str = "mood"
    version: str = "1"
    labels: tuple[str, ...] = ("anger",)
    weights_digest: str | None = None
    asked: list[int] = field(default_factory=list)

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        self.asked.append(len(samples))
        return [self.answer(sample.text) for sample in samples]


def judge(text: str, *filters: Filter, policy: Policy = POLICY) -> Verdict:
    (verdict,) = screen([Sample(text)], filters=filters, policy=policy)
    return verdict


def raises(text: str) -> Reading:
    raise RuntimeError(f"cannot score {text}")


def waits(text: str, wake: Event) -> Reading:
    wake.wait(10)
    return calm(text)


def exits(_text: str) -> Reading:
    raise SystemExit


def test_a_harmless_text_is_released() -> None:
    verdict = judge("hello", Mood())

    assert verdict.decision is Decision.RELEASE
    assert verdict.flagged_by == ()
    assert verdict.scores == {"mood.anger": 0.1}
    assert (verdict.windows, verdict.characters) == (1, 5)
    assert verdict.policy_digest == POLICY.digest


def test_a_text_over_the_threshold_is_flagged_with_the_reason() -> None:
    verdict = judge("hello!", Mood())

    assert verdict.decision is Decision.FLAG
    assert verdict.flagged_by == (Flag("mood", "anger", 0.9, 0.5),)


@pytest.mark.parametrize(("score", "decision"), [(0.4999, "release"), (0.5, "flag"), (1.0, "flag")])
def test_a_score_that_reaches_the_threshold_flags(score: float, decision: str) -> None:
    verdict = judge("x", Mood(lambda text: reading(text, score)))

    assert verdict.decision == decision


def test_only_the_highest_of_several_findings_counts() -> None:
    def two(text: str) -> Reading:
        low, high = reading(text, 0.1), reading(text, 0.8)
        return Reading((*high.findings, *low.findings), high.covered)

    assert judge("x", Mood(two)).decision is Decision.FLAG


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(raises, id="it raises"),
        pytest.param(exits, id="it tries to end the process"),
        pytest.param(lambda text: reading(text, math.nan), id="not a number"),
        pytest.param(lambda text: reading(text, math.inf), id="infinity"),
        pytest.param(lambda text: reading(text, -0.01), id="a score under 0"),
        pytest.param(lambda text: reading(text, 1.01), id="a score over 1"),
        pytest.param(lambda text: Reading((), ((0, len(text)),)), id="no finding"),
        pytest.param(
            lambda text: Reading((Finding("mood", "joy", 0.0, 0, 1),), ((0, len(text)),)),
            id="a finding for another label only",
        ),
        pytest.param(
            lambda text: Reading((Finding("other", "anger", 0.0, 0, 1),), ((0, len(text)),)),
            id="a finding of another filter",
        ),
        pytest.param(
            lambda text: Reading((Finding("mood", "anger", 0.0, 0, 99),), ((0, len(text)),)),
            id="a span outside the text",
        ),
        pytest.param(
            lambda text: Reading((Finding("mood", "anger", 0.0, 0, 1, 0),), ((0, len(text)),)),
            id="a finding about no output",
        ),
        pytest.param(lambda text: Reading(reading(text).findings, ()), id="nothing covered"),
        pytest.param(
            lambda text: Reading(reading(text).findings, ((0, len(text) - 1),)), id="the end is cut"
        ),
        pytest.param(
            lambda text: Reading(reading(text).findings, ((0, 2), (3, len(text)))), id="a gap"
        ),
        pytest.param(lambda _text: None, id="no reading"),
        pytest.param(lambda _text: {"anger": 0.0}, id="not a reading"),
        pytest.param(
            lambda text: Reading((Finding("mood", "anger", "0.1", 0, 1),), ((0, len(text)),)),  # type: ignore[arg-type]
            id="a score that is text",
        ),
    ],
)
def test_a_text_that_was_not_scored_completely_is_flagged(answer: Callable[[str], Any]) -> None:
    verdict = judge("hello", Mood(answer))

    assert verdict.decision is Decision.FLAG
    assert verdict.flagged_by == (Flag("mood", "not_scored", 1.0, 0.0, severity=Severity.HIGH),)
    assert all(math.isfinite(score) for score in verdict.scores.values())


@pytest.mark.parametrize(
    "answers", [[], [reading("x")] * 2, None, 7], ids=["none", "too many", "nothing", "a number"]
)
def test_readings_for_another_number_of_texts_flag(answers: Any) -> None:
    class Miscounting(Mood):
        def score(self, samples: Sequence[Sample]) -> list[Reading]:
            del samples
            return answers  # type: ignore[no-any-return]

    assert judge("hello", Miscounting()).flagged_by == (Flag.not_scored("mood"),)


def test_without_filters_everything_is_flagged() -> None:
    assert judge("hello").flagged_by == (Flag.not_scored("mood"),)


def test_a_policy_made_without_rules_releases_nothing() -> None:
    assert judge("hello", policy=Policy("empty", {}, 5.0)).decision is Decision.FLAG


def test_a_filter_that_the_policy_forgot_flags() -> None:
    assert judge("hello", Mood(), Mood(name="extra")).flagged_by == (Flag.not_scored("extra"),)


def test_two_filters_of_one_name_cannot_overwrite_each_other() -> None:
    assert judge("hello", Mood(), Mood()).flagged_by == (Flag.not_scored("mood"),)


def test_a_label_of_the_policy_that_the_filter_does_not_score_flags() -> None:
    policy = parse_policy('name = "x"\ntime_limit_seconds = 5\nrules = { mood = { envy = 0.5 } }')

    assert judge("hello", Mood(), policy=policy).flagged_by == (Flag.not_scored("mood"),)


@pytest.mark.parametrize("text", ["", " \n\t", "\u3000"])
def test_a_blank_text_is_released_with_a_finding_that_says_so(text: str) -> None:
    verdict = judge(text, Mood())

    assert verdict.decision is Decision.RELEASE
    assert verdict.scores["screen.blank"] == 1.0


def test_a_blank_text_is_flagged_when_a_filter_fails() -> None:
    assert judge("", Mood(raises)).decision is Decision.FLAG


def test_one_text_that_breaks_a_filter_does_not_flag_its_neighbours() -> None:
    def fragile(text: str) -> Reading:
        return raises(text) if text == "poison" else calm(text)

    samples = [Sample("one"), Sample("poison"), Sample("two")]

    verdicts = screen(samples, filters=[Mood(fragile)], policy=POLICY)

    assert [each.decision for each in verdicts] == ["release", "flag", "release"]


def test_verdicts_come_in_the_order_of_the_texts_whatever_the_batches() -> None:
    mood = Mood()
    texts = [f"text {number}{'!' * (number % 3 == 0)}" for number in range(100)]

    verdicts = screen([Sample(text) for text in texts], filters=[mood], policy=POLICY)

    assert [each.decision is Decision.FLAG for each in verdicts] == ["!" in text for text in texts]
    assert [each.characters for each in verdicts] == [len(text) for text in texts]
    assert max(mood.asked) < len(texts)


def test_a_filter_that_hangs_flags_and_is_not_called_again_meanwhile() -> None:
    wake = Event()
    mood = Mood(lambda text: waits(text, wake))

    first, second = (judge(text, mood, policy=HASTY) for text in ("one", "two"))
    wake.set()

    assert first.flagged_by == second.flagged_by == (Flag.not_scored("mood"),)
    assert len(mood.asked) == 1


def test_a_filter_that_came_back_is_asked_again() -> None:
    wake = Event()
    mood = Mood(lambda text: waits(text, wake))
    judge("one", mood, policy=HASTY)
    wake.set()
    for thread in enumerate_threads():
        if thread.name == "filter-mood":
            thread.join()

    verdict = judge("two", mood)

    assert verdict.decision is Decision.RELEASE


def test_another_filter_still_runs_while_one_hangs() -> None:
    wake = Event()
    policy = parse_policy(HASTY.source.replace("mood =", "slow = { anger = 0.5 }, mood ="))
    slow = Mood(lambda text: waits(text, wake), name="slow")

    verdict = judge("hello!", Mood(), slow, policy=policy)
    wake.set()

    assert {each.filter for each in verdict.flagged_by} == {"mood", "slow"}


def test_texts_are_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    judge("the private words", Mood(raises))

    assert caplog.records
    assert "private words" not in str([vars(record) for record in caplog.records])


@given(
    st.lists(
        st.sampled_from([0.0, 0.2, 0.49, 0.5, 0.7, 1.0, math.nan, math.inf, -1.0, 2.0]), min_size=1
    ),
    st.booleans(),
)
def test_only_complete_readings_under_the_threshold_release(
    scores: list[float], whole: bool
) -> None:
    def answer(text: str) -> Reading:
        findings = tuple(Finding("mood", "anger", score, 0, 1) for score in scores)
        return Reading(findings, ((0, len(text) if whole else 1),))

    verdict = judge("hello", Mood(answer))

    fine = whole and all(0 <= score < 0.5 for score in scores)
    assert (verdict.decision is Decision.RELEASE) == fine
