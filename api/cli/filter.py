"""``corral filter``: the filters, in this process. Loading it loads torch."""

from pathlib import Path

import click

from api.cli.bars import download_bar
from api.cli.records import open_records
from api.cli.render import json_option, print_json, print_table
from api.cli.settings import settings_of
from api.cli.texts import text_of
from filters.canaries import check_canaries
from filters.catalog import WEIGHTS, describe, load_filters
from filters.contract import Filter, Sample
from filters.policy import Policy, default_policy, parse_policy
from filters.published import chosen_source
from filters.screen import screen
from registry.errors import NoPolicy, Unavailable
from registry.policies import service as policies
from registry.settings import Settings


def load(settings: Settings, *, weights: Path = WEIGHTS) -> tuple[Filter, ...]:
    """Load the filters that workers score with, and try them on their canaries.

    Args:
        settings: Which toxicity checkpoint, if another than the bundled classifier.
        weights: Folder of the bundled classifier, or of one that may take its place.

    Raises:
        DownloadFailed: The published checkpoint that was chosen did not come.
        BadCheckpoint: A classifier's files are not the expected ones.
        CanaryFailed: A filter scores a sentence wrong whose score is known.
    """
    with download_bar(f"fetching {settings.toxicity_model}") as bar:
        source = chosen_source(
            name=settings.toxicity_model,
            path=settings.toxicity_path,
            config=settings.toxicity_config_dir,
            digest=settings.toxicity_checkpoint_sha256,
            progress=bar,
        )
    filters = load_filters(weights=weights, toxicity_checkpoint=source)
    check_canaries(filters)
    return filters


@click.command("list")
@json_option
@click.pass_context
def list_filters(context: click.Context, as_json: bool) -> None:
    """List the filters and what they score.

    Example: corral filter list
    """
    described = describe(load(settings_of(context)))
    if as_json:
        print_json({"items": described})
        return
    print_table(
        ("name", "version", "labels", "weights"),
        [
            (each["name"], each["version"], each["labels"], each["weights_digest"])
            for each in described
        ],
        empty="no filters",
    )


@click.command()
@click.argument("text", required=False)
@click.option("--prompt", default="", help="What the text was generated from.")
@json_option
@click.pass_context
def score(context: click.Context, text: str | None, prompt: str, as_json: bool) -> None:
    """Score TEXT, or standard input.

    The policy in force counts, or where there is none the one that ships with Corral. Without a
    prompt no echo is found, and one text alone is no campaign.

    Example: echo "some text" | corral filter score --json
    """
    policy = policy_in_force(context)
    filters = load(settings_of(context))
    verdict = screen([Sample(text_of(text), prompt)], filters=filters, policy=policy)[0]
    if as_json:
        print_json({**verdict.to_record(), "scores": verdict.scores})
        return
    effects = {f"{each.filter}.{each.label}": "flags" for each in verdict.flagged_by}
    effects |= {f"{each.filter}.{each.label}": "noted" for each in verdict.noted}
    ranked = sorted(verdict.scores.items(), key=lambda item: -item[1])
    rows = [
        (label, f"{value:.4f}", _threshold(policy, label), effects.get(label, ""))
        for label, value in ranked
    ]
    print_table(("label", "score", "threshold", ""), rows, empty="no scores")
    unscored = sorted(each.filter for each in verdict.flagged_by if each.label == "not_scored")
    if unscored:
        click.echo(f"not scored completely by {', '.join(unscored)}")
    click.echo(f"verdict: {verdict.decision}")


def policy_in_force(context: click.Context) -> Policy:
    """Return the policy in force, or the one that ships with Corral where there is none."""
    try:
        with open_records(context) as records, records.database.reading() as session:
            return parse_policy(policies.current(session).source)
    except (NoPolicy, Unavailable) as missing:
        click.echo(f"under the policy that ships with Corral: {missing}", err=True)
        return default_policy()


def _threshold(policy: Policy, key: str) -> str:
    name, _, label = key.partition(".")
    value = policy.thresholds.get(name, {}).get(label)
    return "-" if value is None else f"{value:.4f}"
