"""``corral jobs``, ``job``, ``cancel``: a researcher's own jobs."""

from itertools import islice

import click

from api.cli.bulk import counts_of
from api.cli.connection import connected
from api.cli.outcome import doubts_of, flags_of, print_outcome
from api.cli.render import json_option, plain, print_facts, print_json, print_table
from api.client import ApiProblem, Client, Json

_SHOWN = ("id", "release", "release_digest", "state", "created_at", "finished_at", "prompt")


@click.command()
@click.option(
    "--state",
    type=click.Choice(["queued", "generating", "scoring", "done", "failed", "cancelled"]),
    help="Only those in this state.",
)
@click.option("--release", metavar="NAME", help="Only those of this release.")
@click.option("--limit", type=click.IntRange(1), help="Only so many, the newest ones.")
@json_option
@connected
def jobs(
    client: Client, state: str | None, release: str | None, limit: int | None, as_json: bool
) -> None:
    """List your jobs, newest first.

    Example: corral jobs --state done --json
    """
    items = list(islice(client.jobs(state=state, release=release), limit))
    if as_json:
        print_json({"items": items})
        return
    print_table(
        ("job", "state", "release", "created", "outputs"),
        [
            (
                each["id"],
                each["state"],
                each["release"],
                each["created_at"],
                [output["state"] for output in each["outputs"]],
            )
            for each in items
        ],
        empty="no jobs",
    )


@click.command()
@click.argument("identifier", metavar="ID")
@json_option
@connected
def job(client: Client, identifier: str, as_json: bool) -> None:
    """Show the job ID and its released outputs.

    Example: corral job 0198c5b2-7c1e-7d30-9a55-2f6f1f0a1b2c
    """
    found = client.job(identifier)
    if as_json:
        print_json(found)
        return
    print_facts(
        {
            **{name: found[name] for name in _SHOWN},
            "quarantine": doubts_of([found["quarantine"]] if found["quarantine"] else []) or None,
            "prompt_flagged_by": flags_of(found["prompt_flagged_by"]) or None,
            **found["parameters"],
        }
    )
    click.echo()
    print_table(
        ("output", "state", "ended by", "tokens", "flagged by", "release in doubt"),
        [
            (
                each["index"],
                each["state"],
                each["finish_reason"],
                each["tokens"],
                flags_of(each["flagged_by"]) or None,
                doubts_of(each["quarantines"]) or None,
            )
            for each in found["outputs"]
        ],
        empty="no outputs",
    )
    click.echo()
    print_outcome(found)


@click.command()
@click.argument("identifier", metavar="ID")
@json_option
@connected
def cancel(client: Client, identifier: str, as_json: bool) -> None:
    """Cancel the job or the bulk ID, unless it has ended.

    Example: corral cancel 0198c5b2-7c1e-7d30-9a55-2f6f1f0a1b2c
    """
    try:
        cancelled = client.cancel(identifier)
        said = f"job {cancelled['id']} is {cancelled['state']}"
    except ApiProblem as problem:
        if problem.code != "unknown_job":
            raise
        cancelled = _cancel_bulk(client, identifier, problem)
        said = f"bulk {cancelled['id']}: {counts_of(cancelled)}"
    if as_json:
        print_json(cancelled)
    else:
        click.echo(plain(said))


def _cancel_bulk(client: Client, identifier: str, no_job: ApiProblem) -> Json:
    """Cancel a bulk; where there is none either, say that there is no job."""
    try:
        return client.cancel_bulk(identifier)
    except ApiProblem as problem:
        if problem.code == "unknown_bulk":
            raise no_job from problem
        raise
