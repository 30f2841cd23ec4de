"""``corral policy check`` and ``adopt``: a policy is tried on the real filters first."""

from dataclasses import asdict
from pathlib import Path

import click

from api.cli.filter import load
from api.cli.policy import policy_json
from api.cli.records import open_records
from api.cli.render import json_option, print_json
from api.cli.replay import print_replay, replay
from api.cli.settings import settings_of
from filters.contract import Filter
from filters.policy import BadPolicy, Policy, check_policy, parse_policy
from registry.accounts.service import OPERATOR
from registry.checkpoints.manifest import SHOWN_DIGITS
from registry.errors import Unavailable
from registry.policies import service as policies
from registry.settings import Settings

policy_file = click.argument(
    "file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


@click.command()
@policy_file
@click.option(
    "--limit", type=click.IntRange(1), help="Replay so many verdicts, the newest; else all."
)
@json_option
@click.pass_context
def check(context: click.Context, file: Path, limit: int | None, as_json: bool) -> None:
    """Check the policy in FILE, and show which verdicts it would change.

    The filters must provide every label that it names, and each filter needs a rule. Stored
    verdicts are then decided again under it, from what was found at the time; only what was not
    looked for then is scored again. Nothing is changed, and no text is shown.

    Example: corral policy check policy.toml --limit 1000
    """
    policy, filters = _checked(file, settings_of(context))
    if not as_json:
        click.echo(f"{policy.name} can be adopted, digest {policy.digest[:SHOWN_DIGITS]}")
    done = None
    try:
        with open_records(context) as records:
            done = replay(records.database, policy, filters, limit=limit)
    except Unavailable as missing:
        click.echo(f"nothing was replayed: {missing}", err=True)
    if as_json:
        print_json({**policy_json(policy), "replay": asdict(done) if done else None})
    elif done:
        print_replay(done)


@click.command()
@policy_file
@json_option
@click.pass_context
def adopt(context: click.Context, file: Path, as_json: bool) -> None:
    """Put the policy in FILE in force.

    It is checked first; corral policy check also shows what it would change. Workers notice by
    themselves, and verdicts that were given stay as they are.

    Example: corral policy adopt policy.toml
    """
    with open_records(context) as records:
        policy, _ = _checked(file, records.settings)
        with records.database.transaction() as session:
            policies.adopt(session, policy=policy, actor=OPERATOR)
    if as_json:
        print_json(policy_json(policy))
    else:
        click.echo(f"{policy.name} is in force, digest {policy.digest[:SHOWN_DIGITS]}")


def _checked(file: Path, settings: Settings) -> tuple[Policy, tuple[Filter, ...]]:
    """Return the policy in a file and the filters that it was checked against."""
    try:
        policy = parse_policy(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise BadPolicy(f"{file} is not UTF-8 text") from error
    filters = load(settings)
    check_policy(policy, filters)
    return policy, filters
