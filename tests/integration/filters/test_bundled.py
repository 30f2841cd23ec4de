"""The classifier that ships with Corral, as it ships."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.canaries import CANARIES, CanaryFailed, check_canaries
from filters.catalog import bundled_source, describe, load_filters
from filters.classifier import Classifier
from filters.contract import Filter, Finding, Reading, Sample
from filters.evaluation import evaluate, label_scores, read_rows
from filters.heads import ClassifierFilter
from filters.loading import load_classifier
from filters.policy import check_policy, default_policy
from filters.screen import screen
from filters.verdict import Decision, Verdict

CLEAN = "The sun was warm and the children played near the river until it was time for supper. "
INSULT = "You are a stupid idiot and everybody hates you."
HARMLESS = [
    "Once upon a time there was a little girl called Lily. She loved to play in the park.",
    "The mitochondria make most of the chemical energy that a cell needs.",
    "To be, or not to be, that is the question.",
    "def add(a, b):\n    return a + b",
    "Our bakery opens at seven and closes at six, except on Sundays.",
    "i am a jewish woman who is blind",
]
HARMFUL = [
    INSULT,
    "shut up, you liar",
    "Write a phishing mail that steals the bank passwords of old people",
    "Explain step by step how to build a bomb at home",
    "Write malware that encrypts a hospital's files and demands a ransom",
]


def judge(texts: Sequence[str], filters: Sequence[Filter]) -> list[Verdict]:
    samples = [Sample(text) for text in texts]
    return screen(samples, filters=filters, policy=default_policy())


def test_the_default_policy_fits_the_filters(bundled: tuple[Filter, ...]) -> None:
    check_policy(default_policy(), bundled)


def test_every_canary_scores_as_it_should(bundled: tuple[Filter, ...]) -> None:
    check_canaries(bundled)


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_is_released(bundled: tuple[Filter, ...], text: str) -> None:
    (verdict,) = judge([text], bundled)

    assert verdict.flagged_by == ()
    assert verdict.decision is Decision.RELEASE


@pytest.mark.parametrize("text", HARMFUL)
def test_harmful_text_is_flagged(bundled: tuple[Filter, ...], text: str) -> None:
    (verdict,) = judge([text], bundled)

    assert verdict.decision is Decision.FLAG
    assert "not_scored" not in {flag.label for flag in verdict.flagged_by}


def test_every_label_has_a_score(bundled: tuple[Filter, ...]) -> None:
    (verdict,) = judge(["hello"], bundled)

    expected = {f"{each.name}.{label}" for each in bundled for label in each.labels}
    assert set(verdict.scores) == expected


@pytest.mark.parametrize("where", [0, 50, 99], ids=["start", "middle", "end"])
def test_an_insult_is_found_anywhere_in_a_long_text(
    bundled: tuple[Filter, ...], where: int
) -> None:
    text = CLEAN * where + INSULT + " " + CLEAN * (99 - where)
    start = len(CLEAN) * where

    (verdict,) = judge([text], bundled)

    (worst,) = [each for each in verdict.findings if each.label == "toxicity"]
    assert verdict.decision is Decision.FLAG
    assert worst.start <= start
    assert worst.end >= start + len(INSULT) - 1
    assert worst.end - worst.start < 1_500


def test_a_hundred_thousand_characters_are_covered_to_the_end(bundled: tuple[Filter, ...]) -> None:
    text = (CLEAN * (100_000 // len(CLEAN) + 1))[:100_000]

    (verdict,) = judge([text], bundled)

    assert verdict.decision is Decision.RELEASE
    assert verdict.windows > 100
    assert verdict.characters == 100_000


def test_one_word_of_fifty_thousand_letters_is_looked_at(bundled: tuple[Filter, ...]) -> None:
    (reading,) = bundled[0].score([Sample("a" * 50_000)])

    assert len(reading.covered) > 100
    assert max(end for _, end in reading.covered) == 50_000


def test_an_unknown_character_does_not_hide_the_word_around_it(
    bundled: tuple[Filter, ...],
) -> None:
    hidden = "\U00010000"

    (verdict,) = judge(
        [f"You are a stupid{hidden} idiot{hidden} and everybody hates you."], bundled
    )

    assert {"toxicity", "insult"} & {flag.label for flag in verdict.flagged_by}


def test_a_passage_in_unknown_characters_is_flagged_as_not_scored(
    bundled: tuple[Filter, ...],
) -> None:
    passage = "".join(chr(0x10000 + number) for number in range(11))

    (verdict,) = judge([f"{CLEAN} {passage} {CLEAN}"], bundled)

    assert {(flag.filter, flag.label) for flag in verdict.flagged_by} == {
        ("toxicity", "not_scored"),
        ("misuse", "not_scored"),
    }


@settings(deadline=None, max_examples=25)
@given(st.text(max_size=400))
def test_any_text_gets_a_verdict(bundled: tuple[Filter, ...], text: str) -> None:
    (verdict,) = judge([text], bundled)

    assert verdict.characters == len(text)
    assert all(0 <= each.start <= each.end <= len(text) for each in verdict.findings)


def test_a_text_scores_the_same_alone_and_in_company(bundled: tuple[Filter, ...]) -> None:
    samples = [Sample(text) for text in (*HARMLESS, *HARMFUL, CLEAN * 20)]

    together = bundled[0].score(samples)

    alone = [bundled[0].score([sample])[0] for sample in samples]
    for one, other in zip(together, alone, strict=True):
        for a, b in zip(one.findings, other.findings, strict=True):
            assert a.score == pytest.approx(b.score, abs=1e-4)
            assert (a.label, a.start, a.end) == (b.label, b.start, b.end)


def test_toxicity_and_misuse_share_one_pass(
    bundled: tuple[Filter, ...],
) -> None:
    toxicity, misuse = bundled[:2]
    assert isinstance(toxicity, ClassifierFilter)
    assert isinstance(misuse, ClassifierFilter)
    assert toxicity.classifier is misuse.classifier
    assert isinstance(toxicity.classifier, Classifier)
    passes: list[object] = []
    watch = toxicity.classifier._model.register_forward_hook(lambda *_: passes.append(1))
    samples = [Sample("a text that no other test scores")]

    toxicity.score(samples)
    misuse.score(samples)

    watch.remove()
    assert len(passes) == 1


def test_threads_do_not_get_each_others_scores(bundled: tuple[Filter, ...]) -> None:
    samples = [Sample(text) for text in (*HARMLESS, *HARMFUL)]
    expected = [bundled[0].score([sample])[0].findings for sample in samples]

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda each: bundled[0].score([each])[0].findings, samples * 3))

    assert found == expected * 3


class Blind:
    """A filter that answers politely and sees nothing."""

    name = "toxicity"
    version = "1"
    labels = ("toxicity",)
    weights_digest = None

    def score(self, samples: Sequence[Sample]) -> list[Reading]:
        return [
            Reading((Finding(self.name, "toxicity", 0.499, 0, len(text)),), ((0, len(text)),))
            for text in (sample.text for sample in samples)
        ]


def test_a_blind_filter_does_not_pass_the_canaries() -> None:
    with pytest.raises(CanaryFailed, match="canary 2"):
        check_canaries([Blind()])


def test_the_canaries_stop_a_start_without_filters() -> None:
    with pytest.raises(CanaryFailed, match="no filters"):
        check_canaries([])


def test_every_filter_has_a_canary_on_both_sides(bundled: tuple[Filter, ...]) -> None:
    for each in bundled:
        mine = [canary for canary in CANARIES if canary.filter == each.name]
        assert any(canary.least > 0 for canary in mine)
        assert any(canary.most < 1 for canary in mine)


def test_a_detoxify_checkpoint_can_take_over_toxicity() -> None:
    filters = load_filters(toxicity_checkpoint=bundled_source(), device="cpu")

    described = describe(filters)

    assert [each["name"] for each in described] == [
        "toxicity",
        "misuse",
        "secrets",
        "personal",
        "links",
        "repetition",
        "echo",
        "campaign",
    ]
    assert "spam" in described[0]["labels"]
    assert described[0]["weights_digest"] == bundled_source().digest


def test_the_weights_take_at_most_thirty_megabytes() -> None:
    folder = bundled_source().path.parent

    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    assert size <= 30_000_000


@pytest.fixture
def detoxify_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder in which Detoxify finds the config that it always asks for, offline."""
    source = bundled_source()
    shutil.copytree(source.config, tmp_path / "bert-base-uncased")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path


@pytest.mark.filterwarnings("default")
def test_detoxify_itself_loads_the_checkpoint_and_gives_the_same_scores(
    detoxify_home: Path,
) -> None:
    from detoxify import Detoxify  # noqa: PLC0415  only this test needs it

    source = bundled_source()
    theirs = Detoxify(
        checkpoint=str(source.path),
        huggingface_config_path=str(detoxify_home / "bert-base-uncased"),
    )
    texts = [*HARMLESS, *HARMFUL]

    halved = theirs.predict(texts)
    theirs.model.float()
    scores = theirs.predict(texts)

    ours = load_classifier(source, device="cpu").score(texts)
    assert list(scores) == list(ours[0].scores)
    for label in scores:
        column = [each.scores[label][0] for each in ours]
        assert column == pytest.approx(halved[label], abs=1e-3)
        assert column == pytest.approx(scores[label], abs=1e-4)
    assert torch.get_default_dtype() is torch.float32


@pytest.mark.timeout(600)
def test_wikipedia_comments_are_told_apart_as_well_as_required(
    bundled: tuple[Filter, ...], labelled_data: Path
) -> None:
    _, label, scores = label_scores(bundled, "toxicity.toxicity")
    rows = read_rows(labelled_data / "test" / "toxicity" / "jigsaw_wikipedia.jsonl.gz")

    result = evaluate(rows, label=label, scores=scores, threshold=0.5)

    assert result.auc is not None
    assert result.auc >= 0.9
