"""``corral release quarantine``, ``lift`` and ``collect``: bytes in doubt, files nobody needs."""

import click

from api.cli.records import open_records
from api.cli.render import json_option, plain, print_json, size
from api.v1.schemas.releases import VerificationView
from registry.accounts import service as accounts
from registry.accounts.service import OPERATOR
from registry.releases import quarantine as quarantines
from registry.releases.collection import Collected
from registry.releases.collection import collect as collect_store

DAY_SECONDS = 24 * 3600


@click.command()
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why its bytes are in doubt.")
@json_option
@click.pass_context
def quarantine(context: click.Context, name: str, reason: str, as_json: bool) -> None:
    """Stop the use of the release NAME while its bytes are in doubt.

    Every release with the same bytes stops. Nothing new is accepted, jobs that wait go on
    waiting, and one that is being generated is taken back.

    Example: corral release quarantine meta/llama-7b --reason "a rumour of a changed copy"
    """
    with open_records(context) as records, records.database.transaction() as session:
        names = quarantines.quarantine(session, name=name, actor=OPERATOR, reason=reason)
    if as_json:
        print_json({"name": name, "state": "quarantined", "quarantined": names})
        return
    click.echo(f"quarantined: {', '.join(names)}")
    click.echo(
        f"to lift that: corral release verify {name}, then another person: "
        f"corral release lift {name} --reason TEXT"
    )


@click.command()
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why its bytes can be trusted.")
@click.option(
    "--token",
    envvar="CORRAL_TOKEN",
    metavar="TOKEN",
    help="The second person's API token; better in CORRAL_TOKEN.",
)
@json_option
@click.pass_context
def lift(context: click.Context, name: str, reason: str, token: str | None, as_json: bool) -> None:
    """Lift the quarantine of the release NAME, as a second person.

    It must have been verified since, and have held. The token says who you are: a reviewer or an
    administrator who neither quarantined nor verified it. An operator who is alone adds a
    second account for that, which the ledger shows: corral account add HANDLE --role reviewer,
    then corral token issue HANDLE.

    Example: corral release lift meta/llama-7b --reason "disk replaced"
    """
    if not token:
        raise click.ClickException(
            "lifting a quarantine needs a second person: set CORRAL_TOKEN to the token of a "
            "reviewer or administrator (corral account add HANDLE --role reviewer, then "
            "corral token issue HANDLE)"
        )
    with open_records(context) as records, records.database.transaction() as session:
        account = accounts.authenticate(session, token)
        back = quarantines.lift(session, name=name, account=account, reason=reason)
        states = {row.name: row.state.value for row in back}
    if as_json:
        print_json({"name": name, "lifted_by": account.handle, "releases": states})
        return
    for each, state in states.items():
        click.echo(f"{each} is {state}")


@click.command()
@click.option(
    "--after-days", type=click.FloatRange(0), metavar="N", help="CORRAL_COLLECT_AFTER_DAYS."
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@json_option
@click.pass_context
def collect(context: click.Context, after_days: float | None, dry_run: bool, as_json: bool) -> None:
    """Remove stored files that no release refers to, after a grace period.

    A file goes when it was noticed as unreferenced longer ago than that; the schedule does the
    same every hour. Files of withdrawn releases stay.

    Example: corral release collect --dry-run
    """
    with open_records(context) as records:
        days = records.settings.collect_after_days if after_days is None else after_days
        found = collect_store(
            records.database, records.store, grace_seconds=days * DAY_SECONDS, dry_run=dry_run
        )
    if as_json:
        print_json(
            {
                "removed": list(found.removed),
                "freed_bytes": found.freed_bytes,
                "waiting": list(found.waiting),
                "drafts": found.drafts,
                "busy": found.busy,
                "dry_run": dry_run,
            }
        )
    else:
        click.echo(plain(_said(found, days, dry_run=dry_run)))


def verified_at(view: VerificationView | None) -> str:
    """Say when a release was last verified, and whether it held."""
    if view is None:
        return "never"
    return f"{view.finished_at:%Y-%m-%d %H:%M}, {'holds' if view.holds else 'DOES NOT HOLD'}"


def _said(found: Collected, days: float, *, dry_run: bool) -> str:
    if found.busy:
        return "a release is being registered: nothing was looked at, try again afterwards"
    verb = "would be removed" if dry_run else "removed"
    waits = f"{len(found.waiting)} wait until {days:g} days after they were first noticed"
    return f"{len(found.removed)} files {verb}, {size(found.freed_bytes)}; {waits}"
