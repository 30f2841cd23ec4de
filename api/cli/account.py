"""``corral account``: people who may sign in."""

import click

from api.cli.records import open_records
from api.cli.render import json_option, print_json
from api.v1.schemas.accounts import AccountView
from registry.accounts import service as accounts
from registry.accounts.model import Role


@click.group()
def account() -> None:
    """Add accounts.

    Example: corral account add ada --role researcher
    """


@account.command()
@click.argument("handle")
@click.option(
    "--role",
    "roles",
    type=click.Choice([role.value for role in Role]),
    multiple=True,
    required=True,
    help="What the account may do; repeat it for more.",
)
@json_option
@click.pass_context
def add(context: click.Context, handle: str, roles: tuple[str, ...], as_json: bool) -> None:
    """Add the account HANDLE. Then issue it a token.

    Example: corral account add rae --role reviewer --role auditor
    """
    with open_records(context) as records, records.database.transaction() as session:
        row = accounts.add(session, handle=handle, roles=[Role(role) for role in roles])
    if as_json:
        print_json(AccountView.model_validate(row).model_dump(mode="json"))
    else:
        click.echo(f"added {row.handle} ({', '.join(row.roles)}): corral token issue {row.handle}")
