"""The files that are shipped: real, small, loadable, and those that the card speaks of."""

import hashlib
import json
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from transformers import AutoTokenizer, LlamaForCausalLM

from registry.bundled import CARD, NAME, RELEASE_DIR
from workers.training.card import fill, release_figures, training_figures
from workers.training.corpus import read_corpus
from workers.training.measure import model_bits
from workers.training.recipe import read_recipe
from workers.training.release import configuration, load_release, write_release
from workers.training.tokenizer import train_tokenizer
from workers.training.train import RECIPE

TEXTS = (
    "Once upon a time, there was a little girl named Lily.",
    "A line.\n\nAnother  line, with two spaces, 12345 and a snowman \u2603.",
    "The cell\u2019s membrane \u2014 a \u201cwall\u201d",
    "ROMEO:\nBut soft! ",
    "",
)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_weights_are_those_that_the_configuration_promises() -> None:
    loaded: Any = LlamaForCausalLM.from_pretrained(RELEASE_DIR, output_loading_info=True)

    _, report = loaded
    assert not any(report.values())


def test_the_configuration_is_that_of_the_recipe() -> None:
    written = json.loads((RELEASE_DIR / "config.json").read_text())

    assert written == configuration(read_recipe(RECIPE).shape)
    assert written["num_key_value_heads"] < written["num_attention_heads"]


def test_the_weights_are_small_and_half_precision() -> None:
    path = RELEASE_DIR / "model.safetensors"

    with safe_open(path, framework="pt") as tensors:
        kinds = {tensors.get_tensor(name).dtype for name in tensors.keys()}  # noqa: SIM118

    assert kinds == {torch.bfloat16}
    assert path.stat().st_size <= 16_000_000


def test_the_tokenizer_follows_llama() -> None:
    _, tokenizer = load_release(RELEASE_DIR)

    special = (tokenizer.unk_id(), tokenizer.bos_id(), tokenizer.eos_id(), tokenizer.pad_id())
    assert special == (0, 1, 2, -1)
    assert all(tokenizer.decode(tokenizer.encode(text)) == text for text in TEXTS)


@pytest.mark.parametrize("text", TEXTS)
def test_transformers_reads_a_text_as_the_same_tokens(text: str) -> None:
    _, tokenizer = load_release(RELEASE_DIR)

    tokens = AutoTokenizer.from_pretrained(RELEASE_DIR)(text)["input_ids"]

    assert tokens == tokenizer.encode(text, add_bos=True)


def test_english_is_more_likely_than_the_same_words_backwards() -> None:
    model, tokenizer = load_release(RELEASE_DIR)
    text = "One day, a little girl went to the park with her mom and they saw a big dog."

    forward = model_bits(model, tokenizer, text)
    backward = model_bits(model, tokenizer, " ".join(reversed(text.split())))

    assert forward < backward / 2


def test_a_release_written_again_has_the_same_bytes(tmp_path: Path) -> None:
    model, _ = load_release(RELEASE_DIR)

    write_release(
        tmp_path,
        weights=model.state_dict(),
        shape=read_recipe(RECIPE).shape,
        tokenizer=(RELEASE_DIR / "tokenizer.model").read_bytes(),
    )

    written = {path.name: digest(path) for path in tmp_path.iterdir()}
    assert written == {path.name: digest(path) for path in RELEASE_DIR.iterdir()}


def test_the_card_tells_of_these_files_and_this_recipe() -> None:
    card = CARD.read_text(encoding="utf-8")

    anew = fill(card, release_figures(RELEASE_DIR, read_recipe(RECIPE)))

    assert NAME in card
    assert anew == card


def test_the_card_tells_of_the_texts_and_the_training(data_dir: Path) -> None:
    card, recipe = CARD.read_text(encoding="utf-8"), read_recipe(RECIPE)
    corpus = read_corpus(data_dir / "text", recipe)

    anew = fill(card, training_figures(RELEASE_DIR, recipe, corpus))

    assert anew == card


def test_the_tokenizer_is_the_one_that_the_texts_give(data_dir: Path) -> None:
    recipe = read_recipe(RECIPE)
    corpus = read_corpus(data_dir / "text", recipe)

    trained = train_tokenizer(
        chain.from_iterable(corpus.training.values()), vocab_size=recipe.shape.vocab_size
    )

    assert trained == (RELEASE_DIR / "tokenizer.model").read_bytes()


def test_knowing_where_the_release_lies_loads_no_model() -> None:
    program = (
        "import sys, registry.bundled; assert not {'torch', 'transformers'} & sys.modules.keys()"
    )

    finished = subprocess.run([sys.executable, "-c", program], check=False)

    assert finished.returncode == 0
