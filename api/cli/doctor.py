"""``corral doctor``: is this machine ready, and if not, what is to be done."""

from dataclasses import asdict

import click

from api.cli.checks import every_check
from api.cli.render import json_option, print_json, print_table
from api.cli.settings import settings_of


@click.command()
@json_option
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Check this machine and its settings.

    Changes nothing; exit status 1 says that there is a problem.

    Example: corral doctor
    """
    found = every_check(settings_of(context))
    if as_json:
        print_json({"ok": all(each.ok for each in found), "checks": [asdict(e) for e in found]})
    else:
        print_table(
            ("", "check", "found", "what to do"),
            [("ok" if e.ok else "PROBLEM", e.name, e.found, e.advice) for e in found],
            empty="",
        )
    problems = sum(not each.ok for each in found)
    if problems:
        raise click.ClickException(f"{problems} problem{'s' * (problems > 1)}")
