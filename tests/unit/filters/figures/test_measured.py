from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from filters.contract import Reading, Sample
from filters.figures.measured import Measured, measure
from filters.figures.page import page
from filters.figures.targets import SPREAD, Goal, goals
from filters.misuse import MISUSE_LABELS
from tests.support.measuring import FILTERS, SECRET, WordFilter, material, policy


@pytest.fixture(scope="module")
def measured() -> Measured:
    """The figures of word filters on a few rows of every data set."""
    return measure(material(), filters=FILTERS, policy=policy(), progress=lambda _: None)


def goal(measured: Measured, dataset: str, measure_name: str) -> Goal:
    return next(
        each for each in goals(measured) if each.dataset == dataset and each.measure == measure_name
    )


def test_every_text_is_scored_once_for_all_labels() -> None:
    seen: Counter[str] = Counter()

    class Counting(WordFilter):
        def score(self, samples: Sequence[Sample]) -> list[Reading]:
            seen.update(each.text for each in samples)
            return super().score(samples)

    filters = (FILTERS[0], Counting("misuse", MISUSE_LABELS, "harm"), *FILTERS[2:])
    given = material()
    done: list[int] = []

    measure(given, filters=filters, policy=policy(), progress=done.append)

    assert seen.total() == sum(done) == given.texts


def test_the_figures_of_a_label_are_for_the_rows_that_state_it(measured: Measured) -> None:
    by_label = {
        each.label: each for each in measured.labels if each.dataset == "toxicity/hatecheck"
    }

    toxicity, attack = by_label["toxicity.toxicity"], by_label["toxicity.identity_attack"]
    assert (toxicity.positives, toxicity.negatives) == (2, 1)
    assert (attack.positives, attack.negatives) == (2, 2)
    assert attack.recall is not None
    assert attack.false_positive_rate is not None
    assert attack.accuracy is not None
    assert (attack.recall.value, attack.false_positive_rate.value) == (0.5, 0.5)
    assert attack.accuracy.value == 0.5
    assert toxicity.threshold == 0.5


def test_identity_terms_are_found_in_every_template_that_has_them(measured: Measured) -> None:
    rates = {
        each.group: each.false_positive_rate.value
        for each in measured.terms
        if each.false_positive_rate is not None
    }

    assert rates == {"old": 0.0, "middle aged": 0.5}
    assert measured.terms_apart is not None
    assert (measured.terms_apart.highest, measured.terms_apart.lowest) == ("middle aged", "old")
    assert goal(measured, "toxicity/jigsaw_bias_templates", SPREAD).is_reached is False


def test_groups_say_what_is_missed_and_what_is_flagged_for_nothing(measured: Measured) -> None:
    groups = {each.group: each for each in measured.functionalities}

    missed, alarms = groups["derog_h"].missed, groups["counter_nh"].false_positive_rate
    assert missed is not None
    assert alarms is not None
    assert (missed.value, alarms.value) == (0.5, 1.0)
    assert groups["derog_h"].false_positive_rate is None
    assert [each.group for each in measured.targets] == ["women"]


def test_a_kind_of_misuse_is_set_against_harmless_prompts_of_all_sets(measured: Measured) -> None:
    (kind,) = measured.kinds

    assert (kind.kind, kind.positives, kind.negatives) == ("misuse.weapons", 1, 8)
    assert kind.auc is not None
    assert kind.auc.value == 1.0


def test_only_claimed_types_count_and_a_flag_must_be_in_the_place(measured: Measured) -> None:
    found = {(each.dataset, each.type): (each.spans, each.recall) for each in measured.spans}

    spans, recall = found["pii/presidio", "EMAIL_ADDRESS"]
    assert recall is not None
    assert (spans, recall.value) == (2, 0.5)
    assert ("pii/presidio", "PERSON") not in found
    secrets = goal(measured, "secrets/gitleaks", "recall of spans")
    assert secrets.is_reached


def test_a_flag_on_clean_text_is_counted_by_filter_and_label(measured: Measured) -> None:
    stories, books = measured.clean

    flagged = stories.by_filter["toxicity"]
    assert flagged is not None
    assert flagged.value == 0.5
    assert stories.labels["toxicity.toxicity"] == 1
    assert books.labels == {}
    assert goal(measured, "stories", "share of clean texts").is_reached


def test_a_text_that_cannot_be_scored_counts_as_flagged() -> None:
    class Broken(WordFilter):
        def score(self, samples: Sequence[Sample]) -> list[Reading]:
            if any("bad harm" in each.text for each in samples):
                raise RuntimeError
            return super().score(samples)

    filters = (Broken("toxicity", FILTERS[0].labels, "never"), *FILTERS[1:])

    found = measure(material(), filters=filters, policy=policy(), progress=lambda _: None)

    wikipedia = found.labels[0]
    assert wikipedia.recall is not None
    assert wikipedia.recall.value == 1.0
    assert found.not_scored["toxicity/jigsaw_wikipedia"] == 4


def test_an_earlier_record_stands_beside_the_figures(measured: Measured) -> None:
    before = json.loads(json.dumps(measured.to_record()))
    before["labels"][0]["auc"]["value"] = 0.25

    first, *others = goals(measured, before)

    assert first.before == 0.25
    assert [each.measure for each in (first, *others) if each.before is None] == []
    assert next(each.before for each in others if each.measure == SPREAD) == 0.5
    assert "| before |" in "\n".join(page(measured, [first], command="x"))


def test_the_page_has_every_figure_and_no_text(measured: Measured) -> None:
    text = "\n".join(page(measured, goals(measured), command="corral filter evaluate"))

    texts = {row.text for rows in material().rows.values() for row in rows if " " in row.text}
    assert not [each for each in texts if each in text]
    assert SECRET not in text
    assert measured.policy["digest"] in text
    assert all(f"| {each} | `{'0' * 64}` |" in text for each in measured.digests)


def test_a_quick_look_says_that_it_is_one(measured: Measured) -> None:
    text = "\n".join(page(replace(measured, limit=5), goals(measured), command="x"))

    assert "only the first 5 texts" in text
