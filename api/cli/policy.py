"""``corral policy show``: the rules in force. No filter is loaded."""

import click

from api.cli.records import open_records
from api.cli.render import json_option, plain, print_json
from filters.policy import Policy, default_policy, parse_policy
from registry.policies import service as policies


@click.command()
@click.option("--default", "shipped", is_flag=True, help="The one that ships with Corral instead.")
@json_option
@click.pass_context
def show(context: click.Context, shipped: bool, as_json: bool) -> None:
    """Print the policy in force.

    It is TOML; its digest goes to standard error.

    Example: corral policy show --default > policy.toml
    """
    if shipped:
        policy, facts = default_policy(), {}
    else:
        with open_records(context) as records, records.database.reading() as session:
            row = policies.current(session)
        policy = parse_policy(row.source)
        facts = {"adopted_at": row.adopted_at.isoformat(), "adopted_by": row.adopted_by}
    if as_json:
        print_json({**policy_json(policy), **facts})
    else:
        click.echo(f"# digest {policy.digest}", err=True)
        click.echo(plain(policy.source), nl=False)


def policy_json(policy: Policy) -> dict[str, object]:
    """Return what a policy says as JSON values."""
    return {
        "name": policy.name,
        "digest": policy.digest,
        "time_limit_seconds": policy.time_limit_seconds,
        "second_reviews": policy.second_reviews,
        "prompts": policy.prompts,
        "rules": policy.thresholds,
        "actions": policy.actions,
        "severities": policy.severities,
    }
