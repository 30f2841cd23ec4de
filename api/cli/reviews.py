"""``corral reviews`` and ``review``: flagged outputs, and a person's decision on them."""

from collections.abc import Mapping
from typing import Any

import click

from api.cli.connection import connected
from api.cli.outcome import doubts_of
from api.cli.render import json_option, plain, print_facts, print_json, print_table
from api.client import Client

_SHOWN = (
    "id",
    "state",
    "severity",
    "release",
    "researcher",
    "job_id",
    "opened_at",
    "claimed_by",
    "quarantines",
    "prompt",
)
_DECISIONS = ("release", "withhold")


@click.command()
@click.option(
    "--state",
    type=click.Choice(["open", "claimed", "released", "withheld"]),
    help="Only those in this state.",
)
@json_option
@connected
def reviews(client: Client, state: str | None, as_json: bool) -> None:
    """List flagged outputs, the most severe first.

    Their texts are shown one at a time, by corral review.

    Example: corral reviews --state open
    """
    items = list(client.reviews(state=state))
    if as_json:
        print_json({"items": items})
        return
    print_table(
        (
            "review",
            "severity",
            "state",
            "said release",
            "opened",
            "release",
            "researcher",
            "flagged by",
            "reviewer",
        ),
        [
            (
                each["id"],
                each["severity"],
                each["state"],
                _agreed(each),
                each["opened_at"],
                each["release"],
                each["researcher"],
                [f"{flag['filter']}.{flag['label']}" for flag in each["flagged_by"]],
                each["decided_by"] or each["claimed_by"],
            )
            for each in items
        ],
        empty="no reviews",
    )


@click.command()
@click.argument("identifier", metavar="ID")
@click.argument("action", type=click.Choice(["show", *_DECISIONS]))
@click.option("--reason", metavar="TEXT", help="Why; needed to release and to withhold.")
@json_option
@connected
def review(client: Client, identifier: str, action: str, reason: str | None, as_json: bool) -> None:
    """Show, release or withhold a flagged output.

    ID is the review's. Some outputs need two reviewers who say release; one who withholds is
    enough. Showing prints prompt and text, and the ledger records that you read
    them. Deciding claims the review first, so that nobody else decides it meanwhile.

    Example: corral review 0198c5b2-7c1e-7d30-9a55-2f6f1f0a1b2c release --reason "a quotation"
    """
    if action in _DECISIONS and not (reason and reason.strip()):
        raise click.UsageError(f"--reason is needed to {action} an output")
    if action == "show":
        answer = client.review(identifier)
    else:
        client.claim(identifier)
        decide = client.release_output if action == "release" else client.withhold_output
        answer = decide(identifier, reason=reason or "")
    if as_json:
        print_json(answer)
    elif action == "show":
        shown = {name: answer[name] for name in _SHOWN}
        marks = doubts_of(answer["quarantines"]) or None
        print_facts({**shown, "quarantines": marks, "said_release": _agreed(answer)})
        click.echo(f"\n{plain(answer['text'])}")
    elif action == "release" and answer["state"] == "open":
        click.echo(
            plain(f"review {answer['id']}: {_agreed(answer)} said release, one more decides")
        )
    else:
        click.echo(plain(f"review {answer['id']}: {answer['state']}"))


def _agreed(review: Mapping[str, Any]) -> str:
    """Return how many said release, of how many that must, such as ``1 of 2``."""
    return f"{len(review['released_by'])} of {review['reviewers_needed']}"
