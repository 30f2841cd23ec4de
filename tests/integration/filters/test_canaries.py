"""Filters that are blind, changed or slow do not pass, however politely they answer."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from filters.canaries import CANARIES, CanaryFailed, check_canaries
from filters.catalog import bundled_source
from filters.checkpoints import CheckpointSource
from filters.classifier import Classifier
from filters.contract import Filter, Finding, Reading, Sample
from filters.fingerprint import WeightsChanged
from filters.loading import load_classifier
from filters.misuse import bundled_misuse
from filters.secrets import SECRETS
from filters.toxicity import bundled_toxicity


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A copy of the bundled weights, to change."""
    return Path(shutil.copy(bundled_source().path, tmp_path / "gate.ckpt"))


@pytest.fixture
def classifier(file: Path) -> Classifier:
    """A classifier of the test's own, loaded from the copy."""
    source = bundled_source()
    return load_classifier(CheckpointSource(file, source.config, source.digest))


@pytest.fixture
def filters(classifier: Classifier) -> tuple[Filter, ...]:
    """The two filters that stand on it."""
    return (bundled_toxicity(classifier), bundled_misuse(classifier))


class Changed:
    """A real filter with another name, digest or answer."""

    def __init__(self, sound: Filter, answer: Callable[[list[Reading]], list[Reading]]) -> None:
        self.name, self.version, self.labels = sound.name, sound.version, sound.labels
        self.weights_digest = sound.weights_digest
        self._sound, self._answer = sound, answer

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        """Score, then change the answer."""
        return self._answer(self._sound.score(samples))


def with_scores(readings: list[Reading], change: Callable[[Finding], float]) -> list[Reading]:
    """Return the readings with other scores."""
    return [
        replace(each, findings=tuple(replace(one, score=change(one)) for one in each.findings))
        for each in readings
    ]


def flip(path: Path) -> None:
    """Flip one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_filters_that_see_pass_again_and_again(filters: tuple[Filter, ...]) -> None:
    check_canaries(filters)

    check_canaries(filters)


def test_a_changed_byte_of_the_weights_file_is_noticed(
    filters: tuple[Filter, ...], file: Path
) -> None:
    flip(file)

    with pytest.raises(WeightsChanged) as refusal:
        check_canaries(filters)

    assert refusal.value.reason == "weights_changed"


def test_a_weights_file_that_is_gone_is_noticed(filters: tuple[Filter, ...], file: Path) -> None:
    file.unlink()

    with pytest.raises(WeightsChanged) as refusal:
        check_canaries(filters)

    assert refusal.value.reason == "weights_gone"


def test_a_changed_number_in_memory_is_noticed(
    filters: tuple[Filter, ...], classifier: Classifier
) -> None:
    weights = next(classifier._model.parameters())
    with torch.inference_mode():
        weights.view(-1)[7] += 1e-4

    with pytest.raises(WeightsChanged) as refusal:
        check_canaries(filters)

    assert refusal.value.reason == "memory_changed"


def test_scores_that_were_kept_do_not_answer_for_a_classifier_that_went_blind(
    filters: tuple[Filter, ...], classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_canaries(filters)
    blind = [0.497] * len(classifier.labels)
    monkeypatch.setattr(classifier, "_probabilities", lambda sequences: [blind for _ in sequences])

    with pytest.raises(CanaryFailed, match="canary"):
        check_canaries(filters)


@pytest.mark.parametrize("label", ["threat", "insult"])
def test_one_label_that_is_constant_is_noticed(filters: tuple[Filter, ...], label: str) -> None:
    def stuck(readings: list[Reading]) -> list[Reading]:
        return with_scores(readings, lambda one: 0.1 if one.label == label else one.score)

    with pytest.raises(CanaryFailed, match=label) as refusal:
        check_canaries([Changed(filters[0], stuck)])

    assert refusal.value.reason == "constant_scores"


def test_a_filter_that_raises_is_not_fit() -> None:
    def fail(_: list[Reading]) -> list[Reading]:
        raise RuntimeError("out of order")

    with pytest.raises(CanaryFailed) as refusal:
        check_canaries([Changed(SECRETS, fail)])

    assert refusal.value.reason == "filter_failed"


def test_a_filter_that_hangs_is_not_fit() -> None:
    def hang(readings: list[Reading]) -> list[Reading]:
        time.sleep(0.5)
        return readings

    with pytest.raises(CanaryFailed) as refusal:
        check_canaries([Changed(SECRETS, hang)], seconds=0.1)

    assert refusal.value.reason == "timed_out"


@pytest.mark.parametrize("kept", [0, len(CANARIES) - 1])
def test_a_filter_that_leaves_answers_out_is_not_fit(kept: int) -> None:
    with pytest.raises(CanaryFailed, match=f"{kept} of {len(CANARIES)}"):
        check_canaries([Changed(SECRETS, lambda readings: readings[:kept])])


def test_a_filter_without_a_canary_is_not_fit() -> None:
    unknown = Changed(SECRETS, list)
    unknown.name = "unknown"

    with pytest.raises(CanaryFailed) as refusal:
        check_canaries([unknown])

    assert refusal.value.reason == "no_canary"
