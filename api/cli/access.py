"""``corral request``, ``requests``, ``approve``, ``deny``, ``revoke``: who may use what."""

import click

from api.cli.connection import connected
from api.cli.render import json_option, plain, print_json, print_table
from api.client import Client

UNSAID = "not stated"

reason_option = click.option("--reason", required=True, metavar="TEXT", help="Why.")


@click.command()
@click.argument("name")
@click.option("--purpose", required=True, metavar="TEXT", help="What you want to find out.")
@click.option("--affiliation", default=UNSAID, metavar="TEXT", help="Where you work or study.")
@click.option("--intended-use", default=UNSAID, metavar="TEXT", help="What you will do with it.")
@click.option("--accept-license", is_flag=True, help="You accept the release's licence.")
@json_option
@connected
def request(
    client: Client,
    name: str,
    purpose: str,
    affiliation: str,
    intended_use: str,
    accept_license: bool,
    as_json: bool,
) -> None:
    """Ask to use the release NAME.

    A reviewer decides.

    Example: corral request meta/llama-7b --purpose "bias in summaries" --accept-license
    """
    made = client.request_access(
        name,
        purpose=purpose,
        affiliation=affiliation,
        intended_use=intended_use,
        accepts_license=accept_license,
    )
    if as_json:
        print_json(made)
    else:
        click.echo(f"request {plain(made['id'])} waits for a reviewer: corral requests")


@click.command()
@click.option(
    "--state",
    type=click.Choice(["open", "approved", "denied", "withdrawn"]),
    help="Only those in this state.",
)
@json_option
@connected
def requests(client: Client, state: str | None, as_json: bool) -> None:
    """List access requests, newest first.

    Yours, or all of them if you decide or audit them.

    Example: corral requests --state open
    """
    items = list(client.access_requests(state=state))
    if as_json:
        print_json({"items": items})
        return
    print_table(
        ("request", "state", "researcher", "release", "purpose"),
        [
            (each["id"], each["state"], each["researcher"], each["release"], each["purpose"])
            for each in items
        ],
        empty="no access requests",
    )


@click.command()
@click.argument("identifier", metavar="ID")
@click.option("--days", type=click.IntRange(1), help="How long it lasts; else what is usual.")
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="generate; repeatable.")
@json_option
@connected
def approve(
    client: Client, identifier: str, days: int | None, scopes: tuple[str, ...], as_json: bool
) -> None:
    """Approve the access request ID.

    Example: corral approve 0198c5b2-7c1e-7d30-9a55-2f6f1f0a1b2c --days 30
    """
    approval = client.approve(identifier, days=days, scopes=list(scopes) or None)
    if as_json:
        print_json(approval)
    else:
        click.echo(plain(f"approval {approval['id']} lasts until {approval['expires_at']}"))


@click.command()
@click.argument("identifier", metavar="ID")
@reason_option
@json_option
@connected
def deny(client: Client, identifier: str, reason: str, as_json: bool) -> None:
    """Deny the access request ID.

    The researcher reads the reason.

    Example: corral deny 0198c5b2-7c1e-7d30-9a55-2f6f1f0a1b2c --reason "name your institution"
    """
    denied = client.deny(identifier, reason=reason)
    if as_json:
        print_json(denied)
    else:
        click.echo(plain(f"request {denied['id']} is {denied['state']}"))


@click.command()
@click.argument("approval")
@reason_option
@json_option
@connected
def revoke(client: Client, approval: str, reason: str, as_json: bool) -> None:
    """Take the approval APPROVAL back.

    Jobs that are queued or running notice.

    Example: corral revoke 0198c5b2-7c1e-7d30-9a55-2f6f1f0a1b2c --reason "the project has ended"
    """
    revoked = client.revoke(approval, reason=reason)
    if as_json:
        print_json(revoked)
    else:
        click.echo(plain(f"approval {revoked['id']} is revoked"))
