"""Measuring a release on the held-out documents, beside two simple compressors.

Bits per byte of text is a unit that does not depend on a tokenizer, so a language model, a
compression program and a table of character counts can be compared on one text. The model
also pays for the end of every document, as the table does.
"""

import gzip
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import click
import torch
from sentencepiece import SentencePieceProcessor
from torch import Tensor
from transformers import LlamaForCausalLM

from registry.errors import CorralError
from workers.training.characters import CharacterModel
from workers.training.corpus import read_corpus
from workers.training.recipe import read_recipe
from workers.training.release import load_release
from workers.training.train import RECIPE

# Characters of context that the table of counts may look at.
_ORDER = 5


def heldout_bits_per_byte(
    release: Path, *, training: Mapping[str, Sequence[str]], heldout: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Return bits per byte by source, and over all of them, for each way of predicting.

    Args:
        release: A folder in the Hugging Face layout.
        training: Documents that the table of characters is counted on.
        heldout: Documents to be predicted.
    """
    model, tokenizer = load_release(release)
    characters = CharacterModel(chain.from_iterable(training.values()), order=_ORDER)
    bits = {
        name: {
            "model": sum(model_bits(model, tokenizer, document) for document in documents),
            f"characters, order {_ORDER}": characters.bits(documents),
            "gzip -9": gzip_bits(documents),
        }
        for name, documents in heldout.items()
        if documents
    }
    sizes = {name: _bytes(heldout[name]) for name in bits}
    measured = {
        name: {way: needed / sizes[name] for way, needed in bits[name].items()} for name in bits
    }
    ways = next(iter(bits.values()))
    everything = sum(sizes.values())
    return measured | {
        "all": {way: sum(needed[way] for needed in bits.values()) / everything for way in ways}
    }


@torch.no_grad()
def model_bits(model: LlamaForCausalLM, tokenizer: SentencePieceProcessor, document: str) -> float:
    """Return the bits that a model needs for a document and its end.

    A document longer than the context is read in windows that overlap by half, and each
    token counts once, in the window where it has the longer past.
    """
    tokens = torch.tensor(tokenizer.encode(document, add_bos=True, add_eos=True))  # (t,)
    context = model.config.max_position_embeddings
    nats = 0.0
    for start, counted_from in windows(len(tokens), context=context):
        window = tokens[start : start + context]
        logits: Tensor = model(input_ids=window[None, :-1], use_cache=False).logits[0]  # (t, v)
        losses = torch.nn.functional.cross_entropy(logits, window[1:], reduction="none")  # (t,)
        # The loss at place i is that of token start + i + 1.
        nats += losses[counted_from - start - 1 :].double().sum().item()
    return nats / math.log(2)


def windows(length: int, *, context: int) -> Iterator[tuple[int, int]]:
    """Yield where each window starts, and the first token that counts in it.

    Every token but the first, which is given, counts in exactly one window.
    """
    start, counted_from = 0, 1
    while counted_from < length:
        yield start, counted_from
        counted_from = start + context
        start += context // 2


def gzip_bits(documents: Sequence[str]) -> float:
    """Return the bits of the documents after ``gzip -9``, joined to one file."""
    return 8.0 * len(gzip.compress("\n\n".join(documents).encode(), compresslevel=9, mtime=0))


def _bytes(documents: Sequence[str]) -> int:
    return sum(len(document.encode()) for document in documents)


@click.command()
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=RECIPE,
    show_default="the recipe of the bundled release",
    help="The recipe, which says what is held out.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder with the text files that the recipe names.",
)
@click.argument("release", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(config: Path, data: Path, release: Path) -> None:
    """Print the bits per byte of a RELEASE and of simple compressors as a JSON object.

    Example: python -m workers.training.measure --data texts registry/bundled/release
    """
    try:
        recipe = read_recipe(config)
        corpus = read_corpus(data, recipe)
    except CorralError as error:
        raise click.ClickException(str(error)) from error
    measured = heldout_bits_per_byte(release, training=corpus.training, heldout=corpus.heldout)
    click.echo(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
