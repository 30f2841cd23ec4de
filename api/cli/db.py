"""``corral db``: the database's schema."""

import click

import migrations
from api.cli.records import sqlite_file
from api.cli.render import json_option, print_json
from api.cli.settings import settings_of


@click.group()
def db() -> None:
    """Bring the database's schema up to date.

    Example: corral db upgrade
    """


@db.command()
@json_option
@click.pass_context
def upgrade(context: click.Context, as_json: bool) -> None:
    """Make the records, or bring their schema to this version's.

    What is at the newest revision already stays as it is.

    Example: corral db upgrade
    """
    url = settings_of(context).records_url
    file = sqlite_file(url)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    was_current = migrations.is_current(url)
    if not was_current:
        migrations.upgrade(url)
    if as_json:
        print_json({"upgraded": not was_current})
    else:
        click.echo(
            "the records were at the newest revision already"
            if was_current
            else "the records are at the newest revision"
        )
