"""``corral submit --file``, ``bulks``, ``bulk``, ``results``: many prompts at once."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from api.cli.bars import count_bar
from api.cli.connection import connected
from api.cli.render import json_option, plain, print_facts, print_json, print_table
from api.client import ApiProblem, Client, Json

_SHOWN = ("id", "release", "release_digest", "jobs", "lines_sha256", "created_at", "finished_at")
_ENDINGS = ("done", "failed", "cancelled")


def submit_file(client: Client, name: str, file: Path, *, wait: bool, as_json: bool) -> None:
    """Submit the lines of a file; with ``wait``, print what became of them."""
    try:
        made = client.submit_bulk(name, file.read_bytes())
    except ApiProblem as problem:
        _list_errors(problem.facts.get("errors", []), problem.facts.get("more", 0))
        raise
    if wait:
        _say(f"bulk {made['id']}: {made['jobs']} jobs are accepted")
        made = _ended(client, made)
    if as_json:
        print_json(made)
    elif wait:
        _print(client.results(made["id"]))
        _say(f"bulk {made['id']}: {counts_of(made)}")
    else:
        click.echo(
            plain(
                f"bulk {made['id']}: {made['jobs']} jobs are accepted: corral bulk {made['id']}, "
                f"corral results {made['id']}"
            )
        )
    if wait and made["counts"]["done"] < made["jobs"]:
        raise SystemExit(1)


def counts_of(bulk: Mapping[str, Any]) -> str:
    """Return how many jobs of a bulk are where, such as ``3 done, 1 failed``."""
    counts = bulk["counts"].items()
    return ", ".join(f"{count} {state}" for state, count in counts if count)


@click.command()
@json_option
@connected
def bulks(client: Client, as_json: bool) -> None:
    """List your bulks, newest first.

    Example: corral bulks --json
    """
    items = list(client.bulks())
    if as_json:
        print_json({"items": items})
        return
    print_table(
        ("bulk", "release", "created", "jobs", "where they are"),
        [
            (each["id"], each["release"], each["created_at"], each["jobs"], counts_of(each))
            for each in items
        ],
        empty="no bulks",
    )


@click.command()
@click.argument("identifier", metavar="ID")
@click.option("--wait", is_flag=True, help="Wait until every job has ended.")
@json_option
@connected
def bulk(client: Client, identifier: str, wait: bool, as_json: bool) -> None:
    """Show how far the bulk ID is.

    Example: corral bulk 0198c5b2-7c1e-7d30-9a55-2f6f1f0a1b2c --wait
    """
    found = client.bulk(identifier)
    if wait:
        found = _ended(client, found)
    if as_json:
        print_json(found)
    else:
        print_facts({**{name: found[name] for name in _SHOWN}, **found["counts"]})


@click.command()
@click.argument("identifier", metavar="ID")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write them; standard output otherwise.",
)
@json_option
@connected
def results(client: Client, identifier: str, out: Path | None, as_json: bool) -> None:
    """Print the results of the bulk ID so far.

    They are JSON Lines, one for each job that has ended, in the order of the lines. A text is
    null unless it was released. With --json, the bulk itself comes last.

    Example: corral results 0198c5b2-7c1e-7d30-9a55-2f6f1f0a1b2c --out results.jsonl
    """
    found = client.bulk(identifier)
    ended = client.results(identifier)
    count = _print(ended) if out is None else _write(ended, out)
    _say(f"bulk {found['id']}: results of {count} of {found['jobs']} jobs")
    if as_json:
        print_json(found)


def _ended(client: Client, made: Json) -> Json:
    """Wait for a bulk, with a bar on a terminal."""
    found, shown = made, 0
    try:
        with count_bar("jobs ended", made["jobs"]) as advance:
            for found in client.follow_bulk(made["id"]):
                there = sum(found["counts"][state] for state in _ENDINGS)
                advance(there - shown)
                shown = there
    except KeyboardInterrupt:
        _say(f"the bulk goes on: corral bulk {made['id']}")
        raise
    return found


def _list_errors(errors: Iterable[Mapping[str, Any]], more: int) -> None:
    for each in errors:
        _say(f"line {each['line']}: {each['field']}: {each['problem']}")
    if more:
        _say(f"and {more} more")


def _print(ended: Iterable[Json]) -> int:
    count = 0
    for count, each in enumerate(ended, start=1):  # noqa: B007 (the last one is returned)
        print_json(each)
    return count


def _write(ended: Iterable[Json], out: Path) -> int:
    """Write a file that is whole or not there; return how many lines it has."""
    unfinished = out.with_name(f"{out.name}.unfinished")
    count = 0
    with unfinished.open("w", encoding="utf-8") as file:
        for count, each in enumerate(ended, start=1):  # noqa: B007 (the last one is returned)
            file.write(f"{json.dumps(each)}\n")
    unfinished.replace(out)
    return count


def _say(sentence: str) -> None:
    click.echo(plain(sentence), err=True)
