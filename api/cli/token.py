"""``corral token``: the secrets that people sign in with."""

import click

from api.cli.records import open_records
from api.cli.render import json_option, print_json
from registry.accounts import service as accounts
from registry.errors import NotFound


@click.group()
def token() -> None:
    """Issue and revoke API tokens.

    Example: corral token issue ada
    """


@token.command()
@click.argument("handle")
@click.option(
    "--days", type=click.IntRange(1, 3650), help="How long it lasts; else CORRAL_TOKEN_DAYS."
)
@json_option
@click.pass_context
def issue(context: click.Context, handle: str, days: int | None, as_json: bool) -> None:
    """Print a new token for the account HANDLE; it cannot be shown again.

    The token alone is on standard output.

    Example: export CORRAL_TOKEN=$(corral token issue ada --days 7)
    """
    with open_records(context) as records:
        given = days or records.settings.token_days
        with records.database.transaction() as session:
            account = accounts.get(session, handle)
            secret = accounts.issue_token(session, account=account, days=given)
    if as_json:
        print_json({"handle": handle, "token": secret, "days": given})
    else:
        click.echo(f"token for {handle}, good for {given} days, not shown again:", err=True)
        click.echo(secret)


@token.command()
@click.argument("prefix")
@json_option
@click.pass_context
def revoke(context: click.Context, prefix: str, as_json: bool) -> None:
    """Revoke the token that begins with PREFIX, which is its first 13 characters or more.

    Example: corral token revoke corral_Ab3dE9
    """
    start = prefix[: accounts.PREFIX_LENGTH]
    with open_records(context) as records, records.database.transaction() as session:
        count = accounts.revoke_token(session, prefix=start)
        if not count:
            raise NotFound(f"no live token begins with {start}")
    if as_json:
        print_json({"prefix": start, "revoked": count})
    else:
        click.echo(f"revoked {count} token{'s' * (count > 1)} that began with {start}")
