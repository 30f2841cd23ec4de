"""The figures of the release's card, from the recipe, the files and the measurements.

The card is prose with marked places, ``<!-- name -->`` to ``<!-- end -->``. What stands in
between is written by this command and by nobody else, so figures and files cannot part.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import click
from safetensors import safe_open

from registry.bundled import CARD, RELEASE_DIR
from registry.errors import CorralError
from workers.training.corpus import Corpus, read_corpus
from workers.training.measure import heldout_bits_per_byte
from workers.training.packing import pack
from workers.training.recipe import Recipe, read_recipe
from workers.training.train import RECIPE


def fill(card: str, figures: Mapping[str, str]) -> str:
    """Return a card with the marked places of these names filled anew.

    Raises:
        ValueError: The card has no such place.
    """
    for name, figure in figures.items():
        start, end = f"<!-- {name} -->\n", "<!-- end -->"
        before, place, rest = card.partition(start)
        _, close, after = rest.partition(end)
        if not (place and close):
            raise ValueError(f"the card has no place <!-- {name} --> to {end}")
        card = f"{before}{start}\n{figure}\n\n{end}{after}"
    return card


def release_figures(release: Path, recipe: Recipe) -> dict[str, str]:
    """Return what the files and the recipe alone can tell: files, model."""
    shape = recipe.shape
    files = [
        f"| {path.name} | {hashlib.sha256(path.read_bytes()).hexdigest()} "
        f"| {path.stat().st_size:,} |"
        for path in sorted(release.iterdir())
    ]
    model = {
        "architecture": "LLaMA: RMSNorm, rotary positions, SwiGLU, grouped-query attention",
        "parameters": f"{_parameters(release):,}; embedding and output head are one matrix",
        "layers, hidden size": f"{shape.num_hidden_layers}, {shape.hidden_size}",
        "attention heads, key-value heads": f"{shape.num_attention_heads}, "
        f"{shape.num_key_value_heads}",
        "feed-forward size": f"{shape.intermediate_size}",
        "context": f"{shape.max_position_embeddings} tokens",
        "vocabulary": f"{shape.vocab_size}: unknown 0, begin 1, end 2, 256 bytes, then "
        "byte-pair merges; no padding piece",
        "precision": "bfloat16, rounded once from float32",
    }
    return {
        "files": _table(("file", "sha256", "bytes"), files),
        "model": _table(("", ""), [f"| {name} | {value} |" for name, value in model.items()]),
    }


def training_figures(release: Path, recipe: Recipe, corpus: Corpus) -> dict[str, str]:
    """Return what the recipe and the texts tell: texts, training."""
    settings, schedule = recipe.training, recipe.schedule
    texts = [
        f"| {source.file} | {sum(map(len, corpus.training[source.name])):,} "
        f"| {len(corpus.training[source.name]):,} | {len(corpus.heldout[source.name]):,} "
        f"| {source.repeats} | {source.sha256} |"
        for source in recipe.sources
    ]
    rows = settings.rows_per_step * schedule.steps
    tokenizer = (release / "tokenizer.model").read_bytes()
    epochs = rows / pack(corpus.training, tokenizer, recipe).per_epoch
    facts = {
        "seed": f"{settings.seed}",
        "steps": f"{schedule.steps} of {settings.rows_per_step} rows of "
        f"{recipe.shape.max_position_embeddings} tokens: "
        f"{rows * recipe.shape.max_position_embeddings:,} tokens, {epochs:.2f} epochs",
        "learning rate": f"{schedule.warmup_steps} steps of warm-up, then level, then "
        f"{schedule.decay_steps} steps of decay to zero",
        "hidden matrices": f"Muon, learning rate {settings.muon_learning_rate}, momentum "
        f"{settings.momentum}, weight decay {settings.weight_decay}",
        "embedding and norms": f"AdamW, learning rate {settings.adamw_learning_rate}, "
        "betas 0.9 and 0.95, no weight decay",
        "gradients": f"shortened to a norm of {settings.gradient_norm_limit}",
        "precision": "multiplications in bfloat16; weights, gradients and momenta in float32",
        "processor": f"{settings.threads} threads of an x86-64 processor, no accelerator",
    }
    return {
        "texts": _table(
            ("file", "characters read", "documents read", "held out", "repeats", "sha256"), texts
        ),
        "training": _table(("", ""), [f"| {name} | {value} |" for name, value in facts.items()]),
    }


def result_figures(release: Path, corpus: Corpus) -> dict[str, str]:
    """Return what measuring tells, which takes a minute or two: results."""
    measured = heldout_bits_per_byte(release, training=corpus.training, heldout=corpus.heldout)
    ways = tuple(next(iter(measured.values())))
    rows = [
        f"| {name} | " + " | ".join(f"{figures[way]:.3f}" for way in ways) + " |"
        for name, figures in measured.items()
    ]
    return {"results": _table(("held-out documents of", *ways), rows)}


def _parameters(release: Path) -> int:
    with safe_open(release / "model.safetensors", framework="pt") as tensors:
        return sum(tensors.get_tensor(name).numel() for name in tensors.keys())  # noqa: SIM118


def _table(heads: tuple[str, ...], rows: list[str]) -> str:
    return "\n".join([f"| {' | '.join(heads)} |", "|" + "---|" * len(heads), *rows])


@click.command()
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=RECIPE,
    show_default="the recipe of the bundled release",
    help="The recipe that the release was made by.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder with the text files that the recipe names.",
)
def main(config: Path, data: Path) -> None:
    """Measure the bundled release and write the figures into its card.

    Example: python -m workers.training.card --data texts
    """
    try:
        recipe = read_recipe(config)
        corpus = read_corpus(data, recipe)
    except CorralError as error:
        raise click.ClickException(str(error)) from error
    card = fill(
        CARD.read_text(encoding="utf-8"),
        release_figures(RELEASE_DIR, recipe) | training_figures(RELEASE_DIR, recipe, corpus),
    )
    click.echo("measuring, a minute or two")
    results = result_figures(RELEASE_DIR, corpus)
    CARD.write_text(fill(card, results), encoding="utf-8")
    click.echo(results["results"])


if __name__ == "__main__":
    main()
