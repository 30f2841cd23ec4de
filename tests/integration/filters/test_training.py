from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertForSequenceClassification

from filters.checkpoints import CheckpointSource, check_listed
from filters.loading import load_classifier
from filters.training import batches, mean, pack, train
from filters.training.recipe import LABELS, Recipe
from filters.training.report import thresholds
from filters.training.rows import HeldOutRow, Row, normalised, parse_row, read_training_rows

RECIPE = replace(
    Recipe(),
    window=32,
    windows=(32,),
    batch=8,
    learning_rate=1e-2,
    averaged=0.9,
    embedded=0.5,
    misspelt=0.0,
    dressed=0.0,
)


def write_data(folder: Path, lines: list[Mapping[str, Any]], *, held_out: str = "other") -> None:
    digest = hashlib.sha256(normalised(held_out).encode()).hexdigest()
    with gzip.open(folder / "heldout.sha256.gz", "wt") as file:
        file.write(f"{digest}\n")
    (folder / "train" / "toxicity").mkdir(parents=True)
    with gzip.open(folder / "train" / "toxicity" / "set.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def test_a_row_that_is_kept_apart_for_judging_stops_the_training(tmp_path: Path) -> None:
    line = {"text": "Kept -- APART!", "origin": "set", "labels": {"toxicity": 1}}
    write_data(tmp_path, [line], held_out="kept apart")

    with pytest.raises(HeldOutRow, match=r"set\.jsonl\.gz"):
        read_training_rows(tmp_path, RECIPE)


def test_rows_near_a_test_are_left_out(tmp_path: Path) -> None:
    line = {"text": "a", "origin": "set", "labels": {"misuse": 1}}
    write_data(tmp_path, [line, line | {"text": "b", "near_test": True}])

    assert [row.text for row in read_training_rows(tmp_path, RECIPE)] == ["a"]


def test_what_is_likely_or_loose_weighs_less_and_what_is_missing_nothing(tmp_path: Path) -> None:
    weak = {"text": "a", "origin": "x", "labels": {"insult": 1}, "weak_labels": {"toxicity": 0}}
    loose = {"text": "b", "origin": "x", "labels": {"misuse": 1}, "noisy": True}
    write_data(tmp_path, [weak, loose])

    first, second = read_training_rows(tmp_path, RECIPE)

    assert first.labels["insult"] == (1.0, 1.0)
    assert first.labels["toxicity"] == (0.0, RECIPE.weak_weight)
    assert "threat" not in first.labels
    assert second.labels == {"misuse": (1.0, RECIPE.noisy_weight)}


@pytest.mark.parametrize(
    ("named", "seldom", "unknown"),
    [
        ("weapons", "phishing", "toxicity"),
        ("spam", "weapons", "phishing"),
        ("insult", "fraud", "harassment"),
    ],
)
def test_a_text_of_one_kind_is_likely_none_of_some_others(
    tmp_path: Path, named: str, seldom: str, unknown: str
) -> None:
    write_data(tmp_path, [{"text": "a", "origin": "x", "labels": {named: 1}}])

    [row] = read_training_rows(tmp_path, RECIPE)

    assert row.labels[named] == (1.0, 1.0)
    assert row.labels[seldom] == (0.0, RECIPE.weak_weight)
    assert unknown not in row.labels


@pytest.mark.parametrize(
    ("line", "label", "expected"),
    [
        ({"origin": "x", "agreement": 0.6, "labels": {"toxicity": 1}}, "toxicity", 0.8),
        ({"origin": "x", "agreement": 0.6, "labels": {"toxicity": 0}}, "toxicity", 0.2),
        ({"origin": "x", "agreement": 0.6, "labels": {"insult": 1}}, "insult", 1.0),
        ({"origin": "toxigen_annotated", "score": 2, "labels": {"toxicity": 0}}, "toxicity", 0.25),
    ],
)
def test_a_label_is_as_sure_as_the_people_were(
    line: dict[str, Any], label: str, expected: float
) -> None:
    row = parse_row(line | {"text": "a"}, RECIPE)

    value, weight = row.labels[label]
    assert value == pytest.approx(expected)
    assert weight == 1.0


def test_a_long_harmless_text_is_learned_from_any_of_its_parts(write_checkpoint: Any) -> None:
    tokenizer = Tokenizer.from_file(str(write_checkpoint().config / "tokenizer.json"))
    text = "hello " * 40 + "word " * 40
    harmless = Row(text, "set", {"toxicity": (0.0, 1.0)})
    harmful = Row(text, "set", {"toxicity": (1.0, 1.0)})
    recipe = replace(RECIPE, embedded=0.0)
    word = tokenizer.token_to_id("word")

    made = batches.batches([harmless] * 20 + [harmful] * 20, ["hello"], tokenizer, recipe, 0)

    seen = [
        (bool(truth[0] > 0), word in ids.tolist())
        for batch in made
        for ids, truth in zip(batch.ids, batch.truth[:, :1], strict=True)
    ]
    assert (False, True) in seen
    assert (True, True) not in seen


def test_an_unknown_label_adds_nothing_to_the_loss() -> None:
    row = Row("x", "set", {"toxicity": (1.0, 1.0)})
    batch = batches.collate([[1, 2, 3]], [row])
    ones = torch.ones(len(LABELS))
    logits = torch.zeros(1, len(LABELS), requires_grad=True)

    train.loss_of(logits, batch, ones, ones).backward()  # type: ignore[no-untyped-call]

    assert logits.grad is not None
    assert [label for label, each in zip(LABELS, logits.grad[0], strict=True) if each] == [
        "toxicity"
    ]


def test_the_threshold_lets_at_most_the_given_share_of_harmless_text_be_flagged() -> None:
    scores = [number / 1000 for number in range(1000)]

    chosen = thresholds({"misuse": scores}, 0.01)["misuse"]

    assert sum(score >= chosen for score in scores) <= 10


def test_what_was_trained_and_written_loads_and_tells_the_texts_apart(
    tmp_path: Path, write_checkpoint: Any
) -> None:
    torch.manual_seed(0)
    tokenizer = Tokenizer.from_file(str(write_checkpoint().config / "tokenizer.json"))
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=RECIPE.window,
        id2label=dict(enumerate(LABELS)),
    )
    model = BertForSequenceClassification(config)
    rows = [
        Row(text, "set", {"toxicity": (value, 1.0)})
        for text, value in (("you bad", 1.0), ("good word", 0.0), ("bad word", 1.0))
        for _ in range(40)
    ]
    schedule = [
        batch
        for epoch in range(4)
        for batch in batches.batches(rows, ["hello"], tokenizer, RECIPE, epoch)
    ]
    weight, boost = train.label_weights(rows, RECIPE)

    steps = train.train(model, schedule, RECIPE, minutes=1, weight=weight, boost=boost)
    pack.write(model, tokenizer, tmp_path / "out")

    listed = check_listed(tmp_path / "out")
    source = CheckpointSource(
        tmp_path / "out" / pack.CHECKPOINT, tmp_path / "out" / pack.CONFIG, listed[pack.CHECKPOINT]
    )
    bad, good = load_classifier(source, device="cpu").score(["you bad", "good word"])
    assert steps == len(schedule)
    assert bad.scores["toxicity"][0] > 0.8
    assert good.scores["toxicity"][0] < 0.2


def test_the_mean_of_two_runs_lies_between_them(tmp_path: Path, write_checkpoint: Any) -> None:
    tokenizer = Tokenizer.from_file(str(write_checkpoint().config / "tokenizer.json"))
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=RECIPE.window,
        id2label=dict(enumerate(LABELS)),
    )
    for name, value in (("one", 1.0), ("three", 3.0)):
        model = BertForSequenceClassification(config)
        torch.nn.init.constant_(model.classifier.bias, value)
        pack.write(model, tokenizer, tmp_path / name)

    mean.write_mean([tmp_path / "one", tmp_path / "three"], tmp_path / "out")

    averaged, _ = pack.read(tmp_path / "out")
    assert averaged.classifier.bias.tolist() == [2.0] * len(LABELS)
    assert check_listed(tmp_path / "out")
