"""``corral submit``: one prompt or a file of them, and what became of them."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from api.cli.bulk import submit_file
from api.cli.connection import connected
from api.cli.outcome import print_outcome
from api.cli.render import json_option, plain, print_json
from api.cli.texts import text_of
from api.client import Client


@click.command()
@click.argument("name")
@click.argument("prompt", required=False)
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Prompts and their parameters, JSON Lines with a custom_id each; instead of PROMPT.",
)
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
    client: Client,
    /,
    name: str,
    prompt: str | None,
    file: Path | None,
    wait: bool,
    as_json: bool,
    **parameters: Any,
) -> None:
    """Submit PROMPT, or the prompts in a file, to the release NAME.

    The prompt - stands for standard input. What is not given is left to the service.
    With --wait, exit status 1 says that a job failed; a flagged output is no failure.

    A line of a file: {"custom_id": "1", "prompt": "Once upon a time", "max_new_tokens": 64}.
    All lines are accepted or none; with --wait the results are printed as JSON Lines.

    Example: corral submit meta/llama-7b "Once upon a time" --max-new-tokens 64 --wait

    Example: corral submit meta/llama-7b --file prompts.jsonl --wait > results.jsonl
    """
    given = {key: value for key, value in parameters.items() if value not in (None, ())}
    if file is not None:
        if prompt is not None or given:
            raise click.UsageError("a file has the prompts and their parameters in its lines")
        submit_file(client, name, file, wait=wait, as_json=as_json)
        return
    if prompt is None:
        raise click.UsageError("give a PROMPT, - for standard input, or --file")
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
