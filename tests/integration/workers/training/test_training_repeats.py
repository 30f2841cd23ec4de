"""The promise that one recipe gives one set of bytes, kept by real, if tiny, runs."""

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from registry.errors import ChecksumMismatch
from workers.training.checkpoints import CannotResume
from workers.training.corpus import Corpus, read_corpus
from workers.training.recipe import Recipe, Schedule, Shape, Source, Training
from workers.training.train import train

FILES = ("config.json", "model.safetensors", "tokenizer.model")

WORDS = ("the", "little", "old", "dog", "cat", "bird", "ran", "sat", "under", "tree", "hill")


@pytest.fixture(autouse=True)
def _torch_as_it_was() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=False)


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """A recipe of a few steps over a small made-up text."""
    chance = np.random.default_rng(1)
    stories = [" ".join(chance.choice(WORDS, size=80)) + "." for _ in range(120)]
    packed = gzip.compress("\n<|endoftext|>\n".join(stories).encode(), mtime=0)
    (tmp_path / "stories.gz").write_bytes(packed)
    return Recipe(
        sources=(Source("tinystories", "stories.gz", hashlib.sha256(packed).hexdigest(), 2),),
        heldout_one_in=10,
        shape=Shape(
            vocab_size=320,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=32,
            rope_theta=10000.0,
            rms_norm_eps=1e-5,
        ),
        schedule=Schedule(steps=8, warmup_steps=2, decay_steps=3),
        training=Training(
            seed=5,
            threads=2,
            rows_per_step=4,
            muon_learning_rate=6e-3,
            adamw_learning_rate=4e-3,
            momentum=0.95,
            weight_decay=0.1,
            gradient_norm_limit=1.0,
            evaluate_every=4,
            checkpoint_every=3,
        ),
    )


@pytest.fixture
def corpus(tmp_path: Path, recipe: Recipe) -> Corpus:
    """The documents of the recipe."""
    return read_corpus(tmp_path, recipe)


def run(recipe: Recipe, corpus: Corpus, out: Path, *, stop_after: int | None = None) -> None:
    """Train to the end, or leave as a crash would after so many steps."""
    for progress in train(recipe, corpus, out):
        if progress.step == stop_after:
            return


def release_bytes(out: Path) -> dict[str, bytes]:
    return {name: (out / "release" / name).read_bytes() for name in FILES}


def test_two_runs_of_one_recipe_give_the_same_bytes(
    recipe: Recipe, corpus: Corpus, tmp_path: Path
) -> None:
    run(recipe, corpus, tmp_path / "one")
    run(recipe, corpus, tmp_path / "two")

    assert release_bytes(tmp_path / "one") == release_bytes(tmp_path / "two")


def test_an_interrupted_run_ends_with_the_same_bytes(
    recipe: Recipe, corpus: Corpus, tmp_path: Path
) -> None:
    run(recipe, corpus, tmp_path / "whole")

    # Step 5 is lost with the crash: the checkpoint is that of step 3.
    run(recipe, corpus, tmp_path / "broken", stop_after=5)
    run(recipe, corpus, tmp_path / "broken")

    assert release_bytes(tmp_path / "whole") == release_bytes(tmp_path / "broken")


def test_a_run_shortened_before_its_decay_is_the_run_of_the_shorter_recipe(
    recipe: Recipe, corpus: Corpus, tmp_path: Path
) -> None:
    shorter = replace(recipe, schedule=replace(recipe.schedule, steps=6))
    run(shorter, corpus, tmp_path / "planned")

    run(recipe, corpus, tmp_path / "shortened", stop_after=3)
    run(shorter, corpus, tmp_path / "shortened")

    assert release_bytes(tmp_path / "planned") == release_bytes(tmp_path / "shortened")


def test_another_seed_gives_other_weights(recipe: Recipe, corpus: Corpus, tmp_path: Path) -> None:
    other = replace(recipe, training=replace(recipe.training, seed=6))

    run(recipe, corpus, tmp_path / "one", stop_after=3)
    run(other, corpus, tmp_path / "two", stop_after=3)

    one, two = release_bytes(tmp_path / "one"), release_bytes(tmp_path / "two")
    assert one["model.safetensors"] != two["model.safetensors"]


def test_training_lowers_the_loss_on_held_out_documents(
    recipe: Recipe, corpus: Corpus, tmp_path: Path
) -> None:
    longer = replace(recipe, schedule=Schedule(steps=24, warmup_steps=2, decay_steps=8))

    looks = [p.heldout["tinystories"] for p in train(longer, corpus, tmp_path / "out") if p.heldout]

    assert looks[-1] < looks[0] - 0.5


@pytest.mark.parametrize(
    "schedule", [Schedule(steps=8, warmup_steps=3, decay_steps=3), Schedule(4, 2, 3)]
)
def test_a_checkpoint_of_another_recipe_is_not_gone_on_with(
    recipe: Recipe, corpus: Corpus, tmp_path: Path, schedule: Schedule
) -> None:
    run(recipe, corpus, tmp_path / "out", stop_after=3)

    with pytest.raises(CannotResume):
        run(replace(recipe, schedule=schedule), corpus, tmp_path / "out")


def test_a_text_file_that_differs_by_one_byte_is_refused(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "stories.gz"
    path.write_bytes(path.read_bytes() + b"\x00")

    with pytest.raises(ChecksumMismatch, match=r"stories\.gz"):
        read_corpus(tmp_path, recipe)
