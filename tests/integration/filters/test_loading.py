"""What a checkpoint must not be, each built for real and refused."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from filters import checkpoints
from filters.checkpoints import BadCheckpoint, CheckpointSource, check_listed
from filters.loading import ARCHITECTURES, load_classifier

WriteCheckpoint = Callable[..., CheckpointSource]
HEAD = "classifier.weight"


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_each_allowed_architecture_loads_and_scores(
    write_checkpoint: WriteCheckpoint, architecture: str
) -> None:
    source = write_checkpoint(architecture=architecture)

    classifier = load_classifier(source, device="cpu")

    (scores,) = classifier.score(["hello you bad word " * 30])
    assert len(scores.covered) > 1
    assert all(0 < score < 1 for score, _, _ in scores.scores.values())


def test_published_class_names_become_the_usual_labels(write_checkpoint: WriteCheckpoint) -> None:
    classifier = load_classifier(write_checkpoint(), device="cpu")

    assert classifier.labels == ("toxicity", "severe_toxicity", "insult")


def test_a_legacy_position_buffer_is_no_reason_to_refuse(write_checkpoint: WriteCheckpoint) -> None:
    def change(raw: dict[str, Any]) -> None:
        raw["state_dict"]["bert.embeddings.position_ids"] = torch.arange(40)[None]

    classifier = load_classifier(write_checkpoint(change=change), device="cpu")

    assert len(classifier.score(["hello"])) == 1


def prefix_every_key(raw: dict[str, Any]) -> None:
    raw["state_dict"] = {f"model.{key}": value for key, value in raw["state_dict"].items()}


def drop_the_head(raw: dict[str, Any]) -> None:
    del raw["state_dict"][HEAD]


def keep_nothing(raw: dict[str, Any]) -> None:
    raw["state_dict"] = {}


def add_a_tensor(raw: dict[str, Any]) -> None:
    raw["state_dict"]["extra.weight"] = torch.zeros(2)


def put_in_nan(raw: dict[str, Any]) -> None:
    raw["state_dict"][HEAD][0, 0] = torch.nan


def put_in_infinity(raw: dict[str, Any]) -> None:
    raw["state_dict"][HEAD][0, 0] = torch.inf


def put_in_a_list(raw: dict[str, Any]) -> None:
    raw["state_dict"][HEAD] = [0.0]


def put_in_integers(raw: dict[str, Any]) -> None:
    raw["state_dict"][HEAD] = raw["state_dict"][HEAD].int()


def widen_the_head(raw: dict[str, Any]) -> None:
    raw["state_dict"][HEAD] = torch.zeros(4, 16)


def name_another_architecture(raw: dict[str, Any]) -> None:
    raw["config"]["arch"]["args"]["model_name"] = "GPT2ForSequenceClassification"


def name_an_architecture_of_another_config(raw: dict[str, Any]) -> None:
    raw["config"]["arch"]["args"]["model_name"] = "RobertaForSequenceClassification"


def count_too_many_classes(raw: dict[str, Any]) -> None:
    raw["config"]["arch"]["args"]["num_classes"] = 4


def name_too_few_classes(raw: dict[str, Any]) -> None:
    raw["config"]["dataset"]["args"]["classes"] = ["toxic"]


def name_a_class_twice(raw: dict[str, Any]) -> None:
    raw["config"]["dataset"]["args"]["classes"] = ["toxic", "toxicity", "insult"]


def lose_the_classes(raw: dict[str, Any]) -> None:
    del raw["config"]["dataset"]


def lose_the_weights(raw: dict[str, Any]) -> None:
    del raw["state_dict"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (prefix_every_key, "do not fit"),
        (drop_the_head, "do not fit"),
        (keep_nothing, "do not fit"),
        (add_a_tensor, "do not fit"),
        (widen_the_head, "do not fit"),
        (put_in_nan, "NaN or infinity"),
        (put_in_infinity, "NaN or infinity"),
        (put_in_a_list, "not a tensor"),
        (put_in_integers, "not a tensor"),
        (name_another_architecture, "GPT2ForSequenceClassification is not one of"),
        (name_an_architecture_of_another_config, "describes bert"),
        (count_too_many_classes, "for 4 outputs"),
        (name_too_few_classes, "1 class names"),
        (name_a_class_twice, "not all different"),
        (lose_the_classes, "lacks 'dataset'"),
        (lose_the_weights, "no state_dict"),
    ],
)
def test_a_checkpoint_that_would_score_wrongly_is_refused(
    write_checkpoint: WriteCheckpoint, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    source = write_checkpoint(change=change)

    with pytest.raises(BadCheckpoint, match=reason):
        load_classifier(source, device="cpu")


class RunsCode:
    """Unpickling this would create a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return os.mkdir, (self.folder,)


def test_a_checkpoint_that_carries_code_is_refused_and_the_code_does_not_run(
    write_checkpoint: WriteCheckpoint, tmp_path: Path
) -> None:
    trace = tmp_path / "it-ran"
    source = write_checkpoint(change=lambda raw: raw.update(bonus=RunsCode(trace)))

    with pytest.raises(BadCheckpoint, match="tensors and plain values"):
        load_classifier(source, device="cpu")

    assert not trace.exists()


def test_one_changed_byte_is_another_checkpoint(write_checkpoint: WriteCheckpoint) -> None:
    source = write_checkpoint()
    content = bytearray(source.path.read_bytes())
    content[len(content) // 2] ^= 1
    source.path.write_bytes(content)

    with pytest.raises(BadCheckpoint, match="has digest"):
        load_classifier(source, device="cpu")


def test_a_file_with_another_digest_is_not_even_parsed(
    write_checkpoint: WriteCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = replace(write_checkpoint(), digest="00" * 32)
    parsed: list[object] = []
    monkeypatch.setattr(torch, "load", lambda *given, **_: parsed.append(given))

    with pytest.raises(BadCheckpoint, match="has digest"):
        load_classifier(source, device="cpu")

    assert parsed == []


def test_a_huge_file_is_refused_before_it_is_read(
    write_checkpoint: WriteCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_checkpoint()
    monkeypatch.setattr(checkpoints, "LARGEST_BYTES", 1000)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("it was read"))

    with pytest.raises(BadCheckpoint, match="more than 1000"):
        load_classifier(source, device="cpu")


def test_a_compressed_file_that_could_inflate_is_refused(
    write_checkpoint: WriteCheckpoint,
) -> None:
    source = write_checkpoint()
    with zipfile.ZipFile(source.path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(source.path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in members.items():
            new.writestr(name, content)
    source = replace(source, digest=hashlib.sha256(source.path.read_bytes()).hexdigest())

    with pytest.raises(BadCheckpoint, match="compressed"):
        load_classifier(source, device="cpu")


def test_a_missing_file_is_refused(write_checkpoint: WriteCheckpoint) -> None:
    source = write_checkpoint()
    source.path.unlink()

    with pytest.raises(BadCheckpoint, match=r"small\.ckpt cannot be read"):
        load_classifier(source, device="cpu")


def test_a_config_folder_without_its_config_is_refused(write_checkpoint: WriteCheckpoint) -> None:
    source = write_checkpoint()
    (source.config / "config.json").unlink()

    with pytest.raises(BadCheckpoint, match=r"no readable config\.json"):
        load_classifier(source, device="cpu")


def test_a_tokenizer_with_more_pieces_than_the_model_is_refused(
    write_checkpoint: WriteCheckpoint,
) -> None:
    source = write_checkpoint()
    path = source.config / "tokenizer.json"
    path.write_text(path.read_text().replace('"hello": 5', '"hello": 500'))

    with pytest.raises(BadCheckpoint, match="no vectors"):
        load_classifier(source, device="cpu")


def test_a_bundled_file_that_was_changed_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "SHA256SUMS").write_text(f"{'00' * 32}  config.json\n")

    with pytest.raises(BadCheckpoint, match=r"config\.json is missing or is not the file"):
        check_listed(tmp_path)
