"""The published Detoxify checkpoints, as small random files of the same format.

The real ones are not at hand. These have their architectures, their numbers of classes and their
names in another order, and each output's score says which name it belongs to.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, get_args

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer, UnigramTrainer

from filters import published
from filters.checkpoints import CheckpointSource
from filters.download import DownloadFailed
from filters.loading import load_classifier
from filters.published import PUBLISHED, Published, chosen_source
from registry.settings import PublishedModel, Settings
from workers.screening import checkpoint_of

WriteCheckpoint = Callable[..., CheckpointSource]
ARCHITECTURE = {
    "bert-base-uncased": "BertForSequenceClassification",
    "roberta-base": "RobertaForSequenceClassification",
    "xlm-roberta-base": "XLMRobertaForSequenceClassification",
    "albert-base-v2": "AlbertForSequenceClassification",
}
OLD_NAMES = {
    "toxicity": "toxic",
    "severe_toxicity": "severe_toxic",
    "identity_attack": "identity_hate",
}
TEXTS = ["hello you", "good word " * 90, "a bad, bad word!"]
each_published = pytest.mark.parametrize("name", sorted(PUBLISHED))


def shuffled(name: str) -> list[str]:
    """Return a checkpoint's class names as its file may have them, in an order of our own."""
    classes = [OLD_NAMES.get(each, each) for each in PUBLISHED[name].classes]
    random.Random(name).shuffle(classes)  # noqa: S311  an order, not a secret
    return classes


def give_each_class_its_score(raw: dict[str, Any]) -> None:
    """Let the head answer by its bias alone, and add the unused tensors that old files have."""
    state = raw["state_dict"]
    (head,) = state.keys() & {"classifier.weight", "classifier.out_proj.weight"}
    state[head] = torch.zeros_like(state[head])
    state[head.replace("weight", "bias")] = torch.arange(len(state[head])) / 10 - 0.5
    encoder = next(iter(state)).partition(".")[0]
    state[f"{encoder}.embeddings.position_ids"] = torch.arange(40)[None]
    if encoder == "roberta":
        state["roberta.pooler.dense.weight"] = torch.zeros(16, 16)
        state["roberta.pooler.dense.bias"] = torch.zeros(16)


@pytest.fixture
def write_published(write_checkpoint: WriteCheckpoint) -> Callable[[str], CheckpointSource]:
    """Write a small file in the form of a published checkpoint."""

    def write(name: str) -> CheckpointSource:
        return write_checkpoint(
            architecture=ARCHITECTURE[PUBLISHED[name].config],
            classes=shuffled(name),
            change=give_each_class_its_score,
        )

    return write


def test_five_checkpoints_are_published_and_all_of_them_can_be_set() -> None:
    assert sorted(PUBLISHED) == sorted(get_args(PublishedModel))
    assert {name: len(each.classes) for name, each in PUBLISHED.items()} == {
        "original": 6,
        "unbiased": 16,
        "multilingual": 16,
        "original-small": 6,
        "unbiased-small": 16,
    }


@each_published
def test_names_come_from_the_file_and_not_from_a_place(
    write_published: Callable[[str], CheckpointSource], name: str
) -> None:
    classifier = load_classifier(write_published(name), device="cpu")

    (scores,) = classifier.score(["hello"])

    assert set(classifier.labels) == set(PUBLISHED[name].classes)
    for place, label in enumerate(shuffled(name)):
        ours = {old: usual for usual, old in OLD_NAMES.items()}.get(label, label)
        expected = float(torch.sigmoid(torch.tensor(place / 10 - 0.5)))
        assert scores.scores[ours][0] == pytest.approx(expected, abs=1e-5)


@pytest.fixture
def detoxify_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Detoxify on a checkpoint, offline, by the names that its constructor asks for."""

    def load(source: CheckpointSource) -> Any:
        from detoxify import Detoxify  # noqa: PLC0415  only this test needs it

        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        monkeypatch.chdir(tmp_path)
        (tmp_path / "bert-base-uncased").symlink_to(source.config)
        return Detoxify(checkpoint=str(source.path), huggingface_config_path=str(source.config))

    return load


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("architecture", sorted(ARCHITECTURE.values()))
def test_detoxify_gives_the_same_scores_to_texts_that_it_reads_whole(
    write_checkpoint: WriteCheckpoint, detoxify_on: Callable[..., Any], architecture: str
) -> None:
    source = write_checkpoint(architecture=architecture)
    texts = [TEXTS[0], TEXTS[2]]

    theirs = detoxify_on(source).predict(texts)

    ours = load_classifier(source, device="cpu").score(texts)
    assert set(theirs) == set(ours[0].scores)
    for label, column in theirs.items():
        assert [each.scores[label][0] for each in ours] == pytest.approx(column, abs=1e-5)


def byte_level() -> Tokenizer:
    """Return a tokenizer in the form of RoBERTa's: byte-level pairs without an unknown piece."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        TEXTS, BpeTrainer(vocab_size=300, special_tokens=special, initial_alphabet=alphabet)
    )
    return tokenizer


def unigram() -> Tokenizer:
    """Return a tokenizer in the form of XLM-R's and ALBERT's: likely pieces after a space mark."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(
        TEXTS, UnigramTrainer(vocab_size=40, special_tokens=special, unk_token="<unk>")
    )
    return tokenizer


@pytest.mark.parametrize(
    ("name", "make"),
    [("unbiased", byte_level), ("multilingual", unigram), ("unbiased-small", unigram)],
)
def test_the_tokenizers_of_the_other_families_cover_whole_texts(
    write_checkpoint: WriteCheckpoint, name: str, make: Callable[[], Tokenizer]
) -> None:
    tokenizer = make()
    begin, end = tokenizer.token_to_id("<s>"), tokenizer.token_to_id("</s>")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", begin), ("</s>", end)]
    )
    source = write_checkpoint(
        architecture=ARCHITECTURE[PUBLISHED[name].config], vocabulary=tokenizer.get_vocab_size()
    )
    tokenizer.save(str(source.config / "tokenizer.json"))
    (source.config / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 38, '
        '"pad_token": "<pad>", "unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}'
    )

    found = load_classifier(source, device="cpu").score(TEXTS)

    for text, each in zip(TEXTS, found, strict=True):
        assert each.covered[0][0] == 0
        assert max(last for _, last in each.covered) == len(text)
    assert len(found[1].covered) > 2


@pytest.fixture
def shelf(
    write_published: Callable[[str], CheckpointSource],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[CheckpointSource]:
    """A server on this machine in the place of the publisher's, with one small checkpoint."""
    source = write_published("unbiased")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    handler = partial(Quiet, directory=str(source.path.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/{source.path.name}"
        monkeypatch.setitem(
            published.PUBLISHED, "unbiased", Published(url, "roberta-base", ("toxicity",))
        )
        yield source
        server.shutdown()
        thread.join()


def test_a_published_checkpoint_that_is_named_in_the_settings_is_fetched_once_and_scores(
    shelf: CheckpointSource, tmp_path: Path
) -> None:
    settings = Settings(
        data_dir=tmp_path / "data",
        toxicity_model="unbiased",
        toxicity_checkpoint_sha256=shelf.digest,
        toxicity_config_dir=shelf.config,
    )

    source = checkpoint_of(settings)

    assert source is not None
    assert source.path == tmp_path / "data" / "checkpoints" / "unbiased.ckpt"
    assert hashlib.sha256(source.path.read_bytes()).hexdigest() == shelf.digest
    assert "toxicity" in load_classifier(source, device="cpu").labels
    shelf.path.unlink()
    assert checkpoint_of(settings) == source


def test_a_published_checkpoint_with_another_digest_does_not_stay(
    shelf: CheckpointSource, tmp_path: Path
) -> None:
    path = tmp_path / "data" / "unbiased.ckpt"

    with pytest.raises(DownloadFailed, match="expected 000000000000"):
        chosen_source(name="unbiased", path=path, config=shelf.config, digest="0" * 64)

    assert list(path.parent.iterdir()) == []


def test_a_name_without_its_digest_or_folder_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="set all three or none"):
        Settings(data_dir=tmp_path, toxicity_model="original")
