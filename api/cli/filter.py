"""``corral filter``: the filters, in this process. Loading it loads torch."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from api.cli.bars import count_bar
from api.cli.records import open_records
from api.cli.render import json_option, print_facts, print_json, print_table
from api.cli.settings import settings_of
from api.cli.texts import text_of
from filters.canaries import check_canaries
from filters.catalog import describe, load_filters
from filters.checkpoints import CheckpointSource
from filters.contract import Filter, Sample
from filters.evaluation import evaluate as evaluate_scores
from filters.evaluation import label_scores, read_rows
from filters.policy import Policy, default_policy, parse_policy
from filters.screen import screen
from registry.errors import NoPolicy, Unavailable
from registry.policies import service as policies
from registry.settings import Settings

UNRULED_THRESHOLD = 0.5


def load(settings: Settings) -> tuple[Filter, ...]:
    """Load the filters that workers score with, and try them on their canaries.

    Raises:
        BadCheckpoint: A classifier's files are not the expected ones.
        CanaryFailed: A filter scores a sentence wrong whose score is known.
    """
    path, digest = settings.toxicity_checkpoint, settings.toxicity_checkpoint_sha256
    source = None
    if path is not None and digest is not None and settings.toxicity_config_dir is not None:
        source = CheckpointSource(path, settings.toxicity_config_dir, digest)
    filters = load_filters(toxicity_checkpoint=source)
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
@json_option
@click.pass_context
def score(context: click.Context, text: str | None, as_json: bool) -> None:
    """Score TEXT, or standard input.

    The policy in force counts, or where there is none the one that ships with Corral.

    Example: echo "some text" | corral filter score --json
    """
    policy = _policy(context)
    filters = load(settings_of(context))
    verdict = screen([Sample(text_of(text))], filters=filters, policy=policy)[0]
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


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--label", required=True, help="Label to measure, such as spam.")
@click.option("--filter", "name", help="Filter that scores it, where several do.")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    help="From which score on a text counts as flagged; else the policy's.",
)
@json_option
@click.pass_context
def evaluate(
    context: click.Context,
    file: Path,
    label: str,
    name: str | None,
    threshold: float | None,
    as_json: bool,
) -> None:
    """Measure a filter on labelled texts.

    FILE holds JSON Lines with text and labels, compressed (.gz) or not.

    Example: corral filter evaluate texts.jsonl.gz --label toxicity --json
    """
    rows = read_rows(file)
    policy = _policy(context)
    wanted = f"{name}.{label}" if name else label
    chosen, bare, scores = label_scores(load(settings_of(context)), wanted)
    rule = policy.thresholds.get(chosen.name, {})
    limit = rule.get(bare, UNRULED_THRESHOLD) if threshold is None else threshold
    with count_bar("scoring", sum(bare in row.labels for row in rows)) as progress:

        def counted(texts: Sequence[str]) -> Sequence[float]:
            found = scores(texts)
            progress(len(texts))
            return found

        measured = asdict(evaluate_scores(rows, label=bare, scores=counted, threshold=limit))
    if as_json:
        print_json(measured)
    else:
        print_facts({key: _shown(value) for key, value in measured.items()})


def _policy(context: click.Context) -> Policy:
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


def _shown(value: object) -> object:
    return f"{value:.4f}" if isinstance(value, float) else value
