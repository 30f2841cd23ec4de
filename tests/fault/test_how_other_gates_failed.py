"""Failures that were seen in other gates, tried on this one; docs/gates.md has the whole list."""

from collections.abc import Sequence

import pytest

from filters.contract import Filter, Finding, Reading, Sample
from filters.policy import default_policy
from filters.rules import Action
from filters.screen import BATCH, screen
from filters.verdict import Decision
from registry.db.session import Database
from registry.jobs import leases
from registry.jobs import service as jobs
from registry.jobs.service import Generated
from registry.jobs.states import OutputState
from registry.settings import Settings
from tests.support.line import line

CALM = "Lily and her mom baked a cake for the birthday."
INSULT = "You are a stupid idiot and everybody hates you."

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class OneLabel:
    """Answers for a real filter: 0 for every label but one."""

    def __init__(self, sound: Filter, label: str | None) -> None:
        self.name, self.version, self.labels = sound.name, sound.version, sound.labels
        self.weights_digest = sound.weights_digest
        self._label = label

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        """Score only the one label."""
        return [self._reading(len(each.text)) for each in samples]

    def _reading(self, size: int) -> Reading:
        findings = (
            Finding(self.name, label, float(label == self._label), 0, size) for label in self.labels
        )
        return Reading(tuple(findings), ((0, size),))


class OutOfOrder(OneLabel):
    """Cannot score, as a service that does not answer."""

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        """Fail."""
        raise ConnectionError(f"{len(samples)} texts were not scored")


def test_every_label_of_every_filter_has_a_rule(sound: tuple[Filter, ...]) -> None:
    rules = default_policy().rules

    assert {name: set(labels) for name, labels in rules.items()} == {
        each.name: set(each.labels) for each in sound
    }


def test_one_label_over_its_threshold_is_enough_whatever_the_others_say(
    sound: tuple[Filter, ...],
) -> None:
    policy = default_policy()
    decided = {
        (each.name, label): screen(
            [Sample(CALM)],
            filters=[OneLabel(one, label if one is each else None) for one in sound],
            policy=policy,
        )[0]
        for each in sound
        for label in each.labels
    }

    for (name, label), verdict in decided.items():
        action = policy.rules[name][label].action
        over = verdict.flagged_by if action is Action.FLAG else verdict.noted
        assert [(flag.filter, flag.label) for flag in over] == [(name, label)]
        assert (verdict.decision is Decision.FLAG) == (action is Action.FLAG)


@on_sqlite
def test_a_verdict_never_says_that_a_filter_looked_when_it_failed(
    database: Database, settings: Settings, sound: tuple[Filter, ...]
) -> None:
    with line(database, settings, [OutOfOrder(each, None) for each in sound]) as pipeline:
        job = pipeline.submit()
        pipeline.generator.generate(job.id)

        pipeline.scorer.score(job.id)

        _, view = pipeline.look(job)
    verdict = view.outputs[0].verdict
    assert verdict is not None
    assert verdict.decision == Decision.FLAG
    assert {each["name"] for each in verdict.filters} == {each.name for each in sound}
    assert {(each["windows"], each["characters"]) for each in verdict.filters} == {(0, 0)}


@on_sqlite
def test_the_last_text_of_a_large_job_is_scored_like_the_first(
    database: Database, settings: Settings, sound: tuple[Filter, ...]
) -> None:
    texts = [CALM] * BATCH + [INSULT]
    with line(database, settings, sound) as pipeline:
        job = pipeline.submit(n=len(texts))
        with pipeline.database.transaction() as session:
            [claimed] = leases.claim_generating(session, [job.id], owner="test", seconds=60)
            generated = [Generated(text, (1,), "end") for text in texts]
            jobs.seal(session, [(claimed, generated)], actor="test")

        pipeline.scorer.score(job.id)

        _, view = pipeline.look(job)
    states = [each.state for each in view.outputs]
    assert states == [OutputState.RELEASED] * BATCH + [OutputState.FLAGGED]
    assert view.outputs[-1].text is None
