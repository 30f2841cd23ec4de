"""``corral audit replay``: generate a stored job again, without trusting what is stored."""

from uuid import UUID

import click

from api.cli.bars import byte_bar
from api.cli.records import open_records
from api.cli.render import json_option, print_json
from registry.jobs import queries as jobs
from registry.releases import queries as releases
from workers.replaying import ReplayedOutput, replay_job


@click.command()
@click.argument("job", metavar="JOB", type=click.UUID)
@json_option
@click.pass_context
def replay(context: click.Context, job: UUID, as_json: bool) -> None:
    """Show whether the outputs of JOB came from its release and seed; exit 1 if one did not.

    The release is loaded and verified, the stored tokens are read in one pass, and each must
    be the one that the seed chooses. No text is shown. An output that was generated in 16 bits
    on a GPU may differ where two tokens are nearly as likely.

    Example: corral audit replay 0197c0de-0000-7000-8000-000000000000
    """
    with open_records(context) as records:
        with records.database.reading() as session:
            row = jobs.get(session, job)
            total = releases.manifest_for_digest(session, row.release_digest).total_bytes
        with byte_bar("verifying the release", total) as progress:
            found = replay_job(records.settings, records.database, job, progress=progress)
    holds = all(each.replay.holds for each in found)
    if as_json:
        print_json({"job": str(job), "holds": holds, "outputs": [_public(each) for each in found]})
    else:
        for each in found:
            click.echo(_sentence(each))
    if not holds:
        raise click.ClickException(f"job {job} did not come, as it is stored, from its release")


def _sentence(output: ReplayedOutput) -> str:
    found = output.replay
    begin = f"output {output.index}: {found.tokens} tokens"
    if found.differs_at is not None:
        return f"{begin}, of which number {found.differs_at + 1} is not what the seed chooses"
    if not found.text_fits:
        return f"{begin}, each as the seed chooses, but the text is not what they spell"
    return f"{begin}, each as the seed chooses (at most {found.shortfall:.1e} from a tie)"


def _public(output: ReplayedOutput) -> dict[str, object]:
    found = output.replay
    return {
        "index": output.index,
        "holds": found.holds,
        "tokens": found.tokens,
        "differs_at": found.differs_at,
        "shortfall": found.shortfall,
        "text_fits": found.text_fits,
    }
