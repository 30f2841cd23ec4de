"""``corral filter evaluate``: one label on one file, or every figure of the project's page."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from api.cli.bars import count_bar
from api.cli.filter import load, policy_in_force
from api.cli.render import json_option, print_facts, print_json, print_table
from api.cli.settings import settings_of
from filters.evaluation import evaluate as evaluate_scores
from filters.evaluation import label_scores, read_rows
from filters.figures.measured import measure, read_material
from filters.figures.page import write_page
from filters.figures.tables import tables
from filters.figures.targets import goals
from filters.policy import default_policy, parse_policy

UNRULED_THRESHOLD = 0.5

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_OPTIONS = (
    click.option("--all", "data", type=_FOLDER, help="Folder of data sets to measure, no FILE."),
    click.option("--limit", type=click.IntRange(1), help="With --all: texts of each set at most."),
    click.option(
        "--write",
        type=click.Path(file_okay=False, path_type=Path),
        help="With --all: folder for the page filters.md, its pictures and its record.",
    ),
    click.option("--policy", "rules", type=_FILE, help="With --all: a policy; else Corral's own."),
    click.option("--weights", type=_FOLDER, help="With --all: a classifier to try."),
    click.option("--against", type=_FILE, help="With --all: an earlier record to compare with."),
)


def whole_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that go with ``--all``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@click.argument("file", type=_FILE, required=False)
@click.option("--label", help="Label to measure, such as spam.")
@click.option("--filter", "name", help="Filter that scores it, where several do.")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    help="From which score on a text counts as flagged; else the policy's.",
)
@whole_options
@json_option
@click.pass_context
def evaluate(
    context: click.Context,
    /,
    file: Path | None,
    label: str | None,
    name: str | None,
    threshold: float | None,
    as_json: bool,
    **whole: Any,
) -> None:
    """Measure the filters on labelled texts.

    FILE holds JSON Lines with text and labels, compressed (.gz) or not. With --all, every data set
    of a folder is measured instead, and --write puts the figures into a page.

    Example: corral filter evaluate texts.jsonl.gz --label toxicity --json
    """
    if whole["data"] is None:
        if file is None or label is None:
            raise click.UsageError("give a FILE and its --label, or --all FOLDER")
        if any(whole.values()):
            raise click.UsageError("--limit, --write, --policy, --weights and --against need --all")
        _evaluate_file(context, file, f"{name}.{label}" if name else label, threshold, as_json)
        return
    if file is not None or label is not None or name is not None or threshold is not None:
        raise click.UsageError("--all measures every label at the policy's thresholds: no FILE")
    _evaluate_all(context, as_json=as_json, **whole)


def _evaluate_file(
    context: click.Context, file: Path, label: str, threshold: float | None, as_json: bool
) -> None:
    rows = read_rows(file)
    policy = policy_in_force(context)
    chosen, bare, scores = label_scores(load(settings_of(context)), label)
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


def _evaluate_all(
    context: click.Context,
    *,
    data: Path,
    limit: int | None,
    write: Path | None,
    rules: Path | None,
    weights: Path | None,
    against: Path | None,
    as_json: bool,
) -> None:
    if write is not None and find_spec("matplotlib") is None:
        raise click.UsageError("--write draws with matplotlib: pip install 'corral[figures]'")
    policy = parse_policy(rules.read_text(encoding="utf-8")) if rules else default_policy()
    material = read_material(data, limit=limit)
    settings = settings_of(context)
    filters = load(settings, weights=weights) if weights else load(settings)
    with count_bar("screening", material.texts) as progress:
        measured = measure(material, filters=filters, policy=policy, progress=progress)
    before = json.loads(against.read_text(encoding="utf-8")) if against else None
    reached = goals(measured, before)
    if write is not None:
        shown = f" --limit {limit}" if limit else ""
        command = f"corral filter evaluate --all DATA --write docs{shown}"
        write_page(measured, reached, write, command=command)
    if as_json:
        print_json({**measured.to_record(), "goals": [asdict(each) for each in reached]})
        return
    for table in tables(measured, reached):
        click.echo(f"\n{table.title}: {table.note}")
        print_table(table.columns, table.rows, empty="nothing")


def _shown(value: object) -> object:
    return f"{value:.4f}" if isinstance(value, float) else value
