"""What a policy would have decided about the verdicts that are stored. Nothing is changed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import click

from api.cli.bars import Advance, count_bar
from api.cli.outcome import flags_of
from api.cli.render import print_table
from filters.contract import Filter, Finding, Sample
from filters.policy import Policy
from filters.replay import Judgement, Screened, judge_again
from filters.verdict import Decision
from registry.db.session import Database
from registry.verdicts import stored
from registry.verdicts.stored import StoredVerdict

PAGE = 64


@dataclass
class Replay:
    """What came out of it.

    Attributes:
        verdicts: How many verdicts on outputs were judged again.
        scored_again: How many of them needed their text to be scored.
        changes: Those that would come out otherwise, newest first; never a text.
        prompts: How many prompts were judged; none unless the policy refuses prompts.
        prompts_refused: How many of them it would refuse.
    """

    verdicts: int = 0
    scored_again: int = 0
    changes: list[dict[str, Any]] = field(default_factory=list)
    prompts: int = 0
    prompts_refused: int = 0


def replay(
    database: Database, policy: Policy, filters: Sequence[Filter], *, limit: int | None
) -> Replay:
    """Judge stored verdicts again, newest first, with a progress bar on a terminal.

    Args:
        database: The records.
        policy: The policy that may be adopted.
        filters: The filters as they are loaded, for what was not scored before.
        limit: Most verdicts on outputs, and most prompts; ``None`` for all.
    """
    done, total = Replay(), stored.count(database)
    if limit is not None:
        total = min(total, limit)
    with count_bar("replaying", total) as progress:
        _outputs(done, database, policy, filters, total, progress)
    if policy.refuses_prompts:
        pages = (each for page in stored.on_prompts(database, page=PAGE) for each in page)
        prompts = islice(pages, limit)
        while page := list(islice(prompts, PAGE)):
            judged = _judge(page, policy, filters)
            done.prompts += len(page)
            done.prompts_refused += sum(each.decision is Decision.FLAG for each in judged)
    return done


def print_replay(done: Replay) -> None:
    """Print the counts, and the outputs whose verdict would change."""
    click.echo(
        f"{done.verdicts} verdicts replayed: {done.verdicts - done.scored_again} from what was "
        f"found, {done.scored_again} with texts scored again"
    )
    if done.prompts:
        click.echo(f"{done.prompts} prompts replayed: {done.prompts_refused} would be refused")
    counts = Counter((each["from"], each["to"]) for each in done.changes)
    moves = ", ".join(f"{many} from {start} to {end}" for (start, end), many in counts.items())
    click.echo(f"verdicts that would change: {moves or 'none'}")
    if done.changes:
        click.echo("They stay as they are: no verdict is ever rewritten.\n")
        print_table(
            ("output", "from", "to", "by"),
            [(each["output"], each["from"], each["to"], each["by"]) for each in done.changes],
            empty="",
        )


def _outputs(
    done: Replay,
    database: Database,
    policy: Policy,
    filters: Sequence[Filter],
    total: int,
    progress: Advance,
) -> None:
    for whole in stored.on_outputs(database, page=PAGE):
        page = whole[: total - done.verdicts]
        for before, after in zip(page, _judge(page, policy, filters), strict=True):
            done.scored_again += bool(after.scored_again)
            if before.decision != after.decision:
                done.changes.append(_change(before, after))
        done.verdicts += len(page)
        progress(len(page))
        if done.verdicts >= total:
            return


def _judge(
    page: Sequence[StoredVerdict], policy: Policy, filters: Sequence[Filter]
) -> list[Judgement]:
    texts = [
        Screened(
            Sample(each.text, each.prompt, each.echo),
            tuple(Finding(**finding) for finding in each.findings),
        )
        for each in page
    ]
    return judge_again(texts, policy=policy, filters=filters)


def _change(before: StoredVerdict, after: Judgement) -> dict[str, Any]:
    flags: list[dict[str, Any]] = before.flagged_by
    if after.decision is Decision.FLAG:
        flags = [
            {
                "filter": each.filter,
                "label": each.label,
                "score": each.score,
                "threshold": each.threshold,
            }
            for each in after.flagged_by
        ]
    return {
        "output": str(before.subject),
        "from": before.decision,
        "to": after.decision.value,
        "by": flags_of(flags),
        "flags": flags,
    }
