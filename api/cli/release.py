"""``corral release``: register checkpoints, check their bytes, decide who may use them."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from api.cli import derivation, doubts, identify, integrity, queues, signing
from api.cli.bars import byte_bar
from api.cli.doubts import verified_at
from api.cli.expected import expect_option, key_option, read_all
from api.cli.records import Records, open_records
from api.cli.render import json_option, plain, print_facts, print_json, print_table, size
from api.v1.schemas.releases import FileView, VerificationView, queues_of, views_of
from registry.accounts.service import OPERATOR
from registry.checkpoints.manifest import SHOWN_DIGITS, Manifest
from registry.errors import UnknownRelease
from registry.releases import queries, verifications
from registry.releases import service as releases
from registry.releases.intake import all_releases, register_folder, work_bytes
from registry.releases.model import Release, ReleaseState
from registry.releases.signatures import signatures_of, verify_command
from registry.residents import service as residents

SHOWN_VERIFICATIONS = 5
folder_type = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def release() -> None:
    """Register, verify and publish releases.

    Example: corral release register ./llama-7b --name meta/llama-7b
    """


release.add_command(integrity.verify)
release.add_command(integrity.export)
for command in (
    signing.sign,
    identify.identify_folder,
    doubts.quarantine,
    doubts.lift,
    doubts.collect,
):
    release.add_command(command)


@release.command()
@click.argument("folder", metavar="DIR", type=folder_type)
@click.option("--name", required=True, metavar="OWNER/NAME", help="Name of the release.")
@click.option("--license", "license_text", default="", metavar="TEXT", help="Its licence.")
@click.option("--source", default="", metavar="TEXT", help="Where the files came from.")
@expect_option
@key_option
@json_option
@click.pass_context
def register(
    context: click.Context,
    folder: Path,
    name: str,
    license_text: str,
    source: str,
    expect: tuple[Path, ...],
    key: Path | None,
    as_json: bool,
) -> None:
    """Register the checkpoint in DIR: hash its files and copy them into the store.

    Weights that are pickles (Meta's consolidated.*.pth, pytorch_model*.bin) are kept as evidence,
    and the release is the safetensors made of them. Lists of checksums in DIR (checklist.chk,
    SHA256SUMS) are followed by themselves. Nobody can use the release before it is published.

    Example: corral release register ./llama-7b --name meta/llama-7b --license "LLaMA licence"
    """
    expected, checked = read_all(expect, key), list[str]()
    with open_records(context) as records:
        total = work_bytes(folder)
        was_there = _is_known(records, name)
        with byte_bar("registering", total, is_resumable=True) as progress:
            row = register_folder(
                records.database,
                records.store,
                folder=folder,
                name=name,
                license=license_text,
                source=source,
                actor=OPERATOR,
                progress=progress,
                expected=expected,
                say=checked.append,
            )
        facts = _facts(records, row)
    for sentence in () if as_json else checked:
        click.echo(plain(sentence))
    if as_json:
        print_json({**facts, "registered": not was_there, "checked": checked})
    elif was_there:
        click.echo(
            f"{name} was registered already with these bytes ({_short(row)}); it is {row.state}"
        )
    else:
        made_of = derivation.made_of(facts["derivation"])
        click.echo(f"registered {name} as {_short(row)}{made_of}: corral release publish {name}")


@release.command("list")
@json_option
@click.pass_context
def list_releases(context: click.Context, as_json: bool) -> None:
    """List the releases, newest first, and how many jobs wait for each.

    Example: corral release list --json
    """
    with open_records(context) as records, records.database.reading() as session:
        found = all_releases(session)
        totals = [queries.manifest_of(session, row).total_bytes for row in found]
        deep = [queues.to_json(each) for each in queues_of(session, found)]
        views = list(zip(views_of(session, found), totals, deep, strict=True))
    if as_json:
        items = [
            {**view.model_dump(mode="json"), "total_bytes": total, "queues": lanes}
            for view, total, lanes in views
        ]
        print_json({"items": items})
        return
    print_table(
        ("name", "digest", "state", "last verified", "waiting", "size", "context", "licence"),
        [
            (
                view.name,
                view.digest[:SHOWN_DIGITS],
                view.state,
                verified_at(view.last_verified),
                queues.waiting(lanes),
                size(total),
                view.context_tokens,
                view.license,
            )
            for view, total, lanes in views
        ],
        empty="no releases: corral release register DIR --name OWNER/NAME",
    )


@release.command()
@click.argument("name")
@json_option
@click.pass_context
def show(context: click.Context, name: str, as_json: bool) -> None:
    """Show the release NAME, its queues, its files, and when these were last verified.

    Example: corral release show meta/llama-7b
    """
    with open_records(context) as records:
        with records.database.reading() as session:
            row = queries.get(session, name)
            history = verifications.last(session, row.digest, count=SHOWN_VERIFICATIONS)
            past = [VerificationView.model_validate(each) for each in history]
        facts = _facts(records, row)
    if as_json:
        print_json({**facts, "verifications": [each.model_dump(mode="json") for each in past]})
        return
    files, record = facts.pop("files"), facts.pop("derivation")
    facts["last_verified"] = verified_at(past[0] if past else None)
    signed = [f"key {each['key'][:SHOWN_DIGITS]}" for each in facts["signatures"]]
    facts["queues"] = queues.sentences(facts["queues"])
    facts["in_memory_of"] = queues.worker_sentences(facts.pop("workers"))
    shown = {**facts, "total_bytes": size(facts["total_bytes"]), "signatures": signed}
    print_facts({**shown, **derivation.facts_of(record)})
    click.echo()
    print_table(
        ("verified", "by", "files", "read", "result"),
        [
            (
                f"{each.finished_at:%Y-%m-%d %H:%M}",
                each.verified_by,
                each.files,
                size(each.bytes_read),
                "holds" if each.holds else each.problems,
            )
            for each in past
        ],
        empty=f"never verified: corral release verify {name}",
    )
    _print_files("file", files)
    if record is not None:
        _print_files("original, kept as evidence", record["inputs"])


@release.command()
@click.argument("name")
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@json_option
@click.pass_context
def publish(context: click.Context, name: str, reason: str, as_json: bool) -> None:
    """Let researchers ask for the release NAME, and those who are approved use it.

    One that was never verified is verified first: its stored files are read back and hashed.

    Example: corral release publish meta/llama-7b
    """
    with open_records(context) as records:
        if integrity.state_of(records, name) is ReleaseState.REGISTERED:
            integrity.verify_stored(records, name)
        with records.database.transaction() as session:
            row = releases.publish(session, name=name, actor=OPERATOR, reason=reason)
        integrity.print_state(records, row, as_json=as_json)


@release.command()
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why it ends.")
@json_option
@click.pass_context
def withdraw(context: click.Context, name: str, reason: str, as_json: bool) -> None:
    """End the use of the release NAME for good; its waiting jobs fail.

    Example: corral release withdraw meta/llama-7b --reason "the licence has ended"
    """
    with open_records(context) as records:
        with records.database.transaction() as session:
            row = releases.withdraw(session, name=name, actor=OPERATOR, reason=reason)
        integrity.print_state(records, row, as_json=as_json)


def _is_known(records: Records, name: str) -> bool:
    with records.database.reading() as session:
        try:
            queries.get(session, name)
        except UnknownRelease:
            return False
    return True


def _facts(records: Records, row: Release) -> dict[str, Any]:
    """Return everything about a release, with its files and who signed it."""
    with records.database.reading() as session:
        manifest = queries.manifest_of(session, row)
        signatures = signatures_of(session, row)
        [lanes] = queues_of(session, [row])
        holders = residents.live(session, [row.digest])[row.digest]
    can_verify = any(each.is_common for each in signatures)
    return {
        **integrity.facts_of(records, row),
        "total_bytes": manifest.total_bytes,
        "signatures": [asdict(each) for each in signatures],
        "verify_command": verify_command(row.name) if can_verify else None,
        "files": _files(manifest),
        "queues": queues.to_json(lanes),
        "workers": queues.workers_of(holders),
        "derivation": derivation.derivation_of(records, row),
    }


def _print_files(heading: str, files: list[dict[str, Any]]) -> None:
    click.echo()
    print_table(
        (heading, "size", "sha256"),
        [(each["path"], size(each["size"]), each["sha256"]) for each in files],
        empty="no files",
    )


def _files(manifest: Manifest) -> list[dict[str, Any]]:
    return [FileView.model_validate(each).model_dump(mode="json") for each in manifest.files]


def _short(row: Release) -> str:
    return row.digest[:SHOWN_DIGITS]
