"""The training loop, and the command that makes the bundled release.

A step is a function of the weights, the optimizers' momenta and its number; nothing is drawn
at random after the first weights. So a run that was interrupted and resumed ends with the
same bytes as one that was not.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import click

from registry.errors import CorralError
from workers.training.checkpoints import load_checkpoint, save_checkpoint
from workers.training.corpus import Corpus, read_corpus
from workers.training.packing import pack
from workers.training.recipe import Recipe, read_recipe
from workers.training.release import new_model, write_release
from workers.training.steps import loss_on, make_deterministic, make_optimizers, take_step
from workers.training.tokenizer import train_tokenizer

RECIPE = Path(__file__).with_name("config.toml")

_HELDOUT_ROWS = 24  # of each source, for the running look; measure.py reads them all


@dataclass(frozen=True)
class Progress:
    """What happened in one step.

    Attributes:
        step: Steps done, this one included.
        loss: Mean negative log-likelihood of the step's tokens, in nats.
        heldout: The same on the first held-out rows of each source; empty on most steps.
    """

    step: int
    loss: float
    heldout: dict[str, float]


def train(recipe: Recipe, corpus: Corpus, out: Path) -> Iterator[Progress]:
    """Train, or go on from the checkpoint in ``out``, one step at a time.

    At every checkpoint and at the end the weights are also written as a release to
    ``out/release``. Sets the process's torch threads and determinism.

    Raises:
        CannotResume: The checkpoint in ``out`` was made by another recipe.
    """
    settings, schedule = recipe.training, recipe.schedule
    make_deterministic(settings.threads)
    tokenizer = train_tokenizer(
        chain.from_iterable(corpus.training.values()), vocab_size=recipe.shape.vocab_size
    )
    rows = pack(corpus.training, tokenizer, recipe)
    looks = {
        name: pack({name: documents}, tokenizer, recipe).first(_HELDOUT_ROWS)
        for name, documents in corpus.heldout.items()
    }
    model = new_model(recipe.shape, seed=settings.seed)
    optimizers = make_optimizers(model, settings)
    first = load_checkpoint(out, recipe=recipe, model=model, optimizers=optimizers)
    for step in range(first, schedule.steps):
        loss = take_step(
            model,
            optimizers,
            rows.take(step * settings.rows_per_step, settings.rows_per_step),
            share=schedule.share(step),
            norm_limit=settings.gradient_norm_limit,
        )
        done = step + 1
        is_last = done == schedule.steps
        if is_last or done % settings.checkpoint_every == 0:
            save_checkpoint(out, recipe=recipe, step=done, model=model, optimizers=optimizers)
            write_release(
                out / "release",
                weights=model.state_dict(),
                shape=recipe.shape,
                tokenizer=tokenizer,
            )
        looks_now = is_last or done % settings.evaluate_every == 0
        heldout = {name: loss_on(model, looks[name]) for name in looks} if looks_now else {}
        yield Progress(done, loss, heldout)


@click.command()
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=RECIPE,
    show_default="the recipe of the bundled release",
    help="The recipe, a TOML file.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder with the text files that the recipe names.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Scratch folder for the checkpoint and the release; run again with it to resume.",
)
def main(config: Path, data: Path, out: Path) -> None:
    """Train the small LLaMA that is bundled as the embedded release.

    Example: python -m workers.training.train --data texts --out var/training
    """
    try:
        recipe = read_recipe(config)
        tokens_per_step = recipe.training.rows_per_step * recipe.shape.max_position_embeddings
        started, first = time.monotonic(), None
        for progress in train(recipe, read_corpus(data, recipe), out):
            if first is None:
                started, first = time.monotonic(), progress.step
            if progress.heldout or progress.step % 10 == 0:
                rate = (progress.step - first) / max(time.monotonic() - started, 1e-9)
                click.echo(_line(progress, recipe, tokens_per_second=rate * tokens_per_step))
    except CorralError as error:
        raise click.ClickException(str(error)) from error


def _line(progress: Progress, recipe: Recipe, *, tokens_per_second: float) -> str:
    line = (
        f"step {progress.step}/{recipe.schedule.steps} loss {progress.loss:.4f} "
        f"tokens/s {tokens_per_second:.0f}"
    )
    heldout = ", ".join(f"{name} {loss:.4f}" for name, loss in progress.heldout.items())
    return f"{line} heldout {heldout}" if heldout else line


if __name__ == "__main__":
    main()
