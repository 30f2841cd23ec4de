"""What became of a job, said plainly, with the control characters of its texts escaped."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from api.cli.render import plain


def print_outcome(job: Mapping[str, Any]) -> None:
    """Print the released texts, and say of every other output why there is none.

    Released text alone is on standard output, so that it can be piped.

    Raises:
        click.ClickException: The job failed or was cancelled.
    """
    many = len(job["outputs"]) > 1
    if any(output["quarantines"] for output in job["outputs"]):
        _say("outputs of this job were generated with a release whose bytes were in doubt since")
    for output in job["outputs"]:
        if output["text"] is not None:
            if many:
                _say(f"output {output['index']}:")
            click.echo(plain(output["text"]))
        elif output["state"] != "pending":
            _say(f"output {output['index']} is {output['state']}: {_why(output)}")
    if job["state"] == "failed":
        failure = job["failure"] or {"code": "unknown", "detail": "no reason was given"}
        raise click.ClickException(
            plain(f"the job failed: {failure['detail']} ({failure['code']})")
        )
    if job["state"] == "cancelled":
        raise click.ClickException("the job was cancelled")
    if job["state"] != "done":
        waits = ", and waits: its release is in quarantine" if job["quarantine"] else ""
        _say(f"the job is {job['state']}{waits}")


def flags_of(flagged_by: Sequence[Mapping[str, Any]]) -> str:
    """Return what flagged an output or a prompt, such as ``toxicity.insult 0.97 (from 0.90)``."""
    return ", ".join(
        f"{each['filter']}.{each['label']} {each['score']:.2f} (from {each['threshold']:.2f}"
        f"{_batch(each)})"
        for each in flagged_by
    )


def doubts_of(quarantines: Sequence[Mapping[str, Any]]) -> str:
    """Return when and why the bytes of a release were in doubt."""
    return "; ".join(
        f"since {each['placed_at']}"
        f"{' until ' + each['lifted_at'] if each['lifted_at'] else ''}: {each['reason']}"
        for each in quarantines
    )


def _batch(flag: Mapping[str, Any]) -> str:
    """Say how many outputs a flag is about, where it is about more than one."""
    count = flag.get("count", 1)
    return f"; {count} outputs" if count > 1 else ""


def _why(output: Mapping[str, Any]) -> str:
    flags = flags_of(output["flagged_by"])
    if output["state"] == "flagged":
        return f"{flags}; a reviewer decides"
    return f"{flags}; a reviewer has decided"


def _say(sentence: str) -> None:
    click.echo(plain(sentence), err=True)
