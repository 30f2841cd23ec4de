"""``corral submit``: one prompt, and what became of it."""

from contextlib import nullcontext
from typing import Any

import click
from rich.console import Console

from api.cli.connection import connected
from api.cli.outcome import print_outcome
from api.cli.render import json_option, plain, print_json
from api.cli.texts import text_of
from api.client import Client


@click.command()
@click.argument("name")
@click.argument("prompt")
@click.option("--max-new-tokens", type=click.IntRange(1), help="Most tokens of each output.")
@click.option("--temperature", type=click.FloatRange(0, 5), help="0 takes the likeliest token.")
@click.option(
    "--top-p", type=click.FloatRange(0, 1, min_open=True), help="Probability to sample from."
)
@click.option("--top-k", type=click.IntRange(0), help="Tokens to sample from; 0 for all.")
@click.option("--seed", type=click.IntRange(0), help="The same seed gives the same text.")
@click.option("--n", type=click.IntRange(1), help="How many outputs.")
@click.option("--stop", multiple=True, metavar="TEXT", help="Ends an output; repeatable.")
@click.option("--echo", is_flag=True, default=None, help="Outputs begin with the prompt.")
@click.option("--wait", is_flag=True, help="Wait, and print the released outputs.")
@json_option
@connected
def submit(
    client: Client, /, name: str, prompt: str, wait: bool, as_json: bool, **parameters: Any
) -> None:
    """Submit PROMPT to the release NAME.

    The prompt - stands for standard input. What is not given is left to the service.
    With --wait, exit status 1 says that the job failed; a flagged output is no failure.

    Example: corral submit meta/llama-7b "Once upon a time" --max-new-tokens 64 --wait
    """
    given = {key: value for key, value in parameters.items() if value not in (None, ())}
    job = client.submit(name, text_of(prompt), **given)
    if wait:
        job = _ended(client, job["id"])
    if as_json:
        print_json(job)
    elif not wait:
        click.echo(plain(f"job {job['id']} is {job['state']}: corral job {job['id']}"))
    else:
        print_outcome(job)
    if job["state"] in ("failed", "cancelled") and as_json:
        raise SystemExit(1)


def _ended(client: Client, identifier: str) -> dict[str, Any]:
    """Wait for a job, with a spinner on a terminal."""
    console = Console(stderr=True)
    spinner = console.status(f"job {plain(identifier)}") if console.is_terminal else nullcontext()
    try:
        with spinner:
            return client.wait(identifier)
    except KeyboardInterrupt:
        click.echo(plain(f"the job goes on: corral job {identifier}"), err=True)
        raise
