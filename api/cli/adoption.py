"""``corral policy check`` and ``adopt``: a policy is tried on the real filters first."""

from pathlib import Path

import click

from api.cli.filter import load
from api.cli.policy import policy_json
from api.cli.records import open_records
from api.cli.render import json_option, print_json
from api.cli.settings import settings_of
from filters.policy import BadPolicy, Policy, check_policy, parse_policy
from registry.accounts.service import OPERATOR
from registry.checkpoints.manifest import SHOWN_DIGITS
from registry.policies import service as policies
from registry.settings import Settings

policy_file = click.argument(
    "file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


@click.command()
@policy_file
@json_option
@click.pass_context
def check(context: click.Context, file: Path, as_json: bool) -> None:
    """Check the policy in FILE.

    The filters must provide every label that it names, and each filter needs a rule.

    Example: corral policy check policy.toml
    """
    policy = _checked(file, settings_of(context))
    if as_json:
        print_json(policy_json(policy))
    else:
        click.echo(f"{policy.name} can be adopted, digest {policy.digest[:SHOWN_DIGITS]}")


@click.command()
@policy_file
@json_option
@click.pass_context
def adopt(context: click.Context, file: Path, as_json: bool) -> None:
    """Put the policy in FILE in force.

    It is checked first. Workers notice by themselves.

    Example: corral policy adopt policy.toml
    """
    with open_records(context) as records:
        policy = _checked(file, records.settings)
        with records.database.transaction() as session:
            policies.adopt(session, policy=policy, actor=OPERATOR)
    if as_json:
        print_json(policy_json(policy))
    else:
        click.echo(f"{policy.name} is in force, digest {policy.digest[:SHOWN_DIGITS]}")


def _checked(file: Path, settings: Settings) -> Policy:
    try:
        policy = parse_policy(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise BadPolicy(f"{file} is not UTF-8 text") from error
    check_policy(policy, load(settings))
    return policy
