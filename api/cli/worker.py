"""``corral worker``: the only command that loads LLaMA weights."""

import click

from api.cli.lifetime import with_parent
from api.cli.settings import settings_of
from registry.telemetry import configure_logs
from workers.app import run_worker


@click.command()
@click.option(
    "--queue",
    "queues",
    type=click.Choice(["generate", "score"]),
    multiple=True,
    help="What to do; both when it is not given.",
)
@click.option(
    "--release", "names", metavar="NAME", multiple=True, help="Generate for these releases alone."
)
@with_parent
@click.pass_context
def worker(context: click.Context, queues: tuple[str, ...], names: tuple[str, ...]) -> None:
    """Run a worker: generate outputs, score them, or both.

    Example: corral worker --queue generate --release meta/llama-7b
    """
    settings = settings_of(context)
    configure_logs(settings.log_level)
    chosen = queues or ("generate", "score")
    run_worker(settings, generates="generate" in chosen, scores="score" in chosen, names=names)
