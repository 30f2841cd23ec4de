"""``corral release``: register checkpoints, check their bytes, decide who may use them."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from api.cli import derivation, identify, integrity, signing
from api.cli.bars import byte_bar
from api.cli.expected import expect_option, key_option, read_all
from api.cli.records import Records, open_records
from api.cli.render import json_option, plain, print_facts, print_json, print_table, size
from api.v1.schemas.releases import FileView, ReleaseView
from registry.accounts.service import OPERATOR
from registry.checkpoints.manifest import SHOWN_DIGITS, Manifest
from registry.errors import UnknownRelease
from registry.releases import queries
from registry.releases import service as releases
from registry.releases.intake import all_releases, register_folder, work_bytes
from registry.releases.model import Release, ReleaseState
from registry.releases.signatures import signatures_of, verify_command

folder_type = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def release() -> None:
    """Register, verify and publish releases.

    Example: corral release register ./llama-7b --name meta/llama-7b
    """


release.add_command(integrity.verify)
release.add_command(integrity.export)
release.add_command(signing.sign)
release.add_command(identify.identify_folder)


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
    """List the releases, newest first.

    Example: corral release list --json
    """
    with open_records(context) as records, records.database.reading() as session:
        rows = [
            (row, queries.manifest_of(session, row).total_bytes) for row in all_releases(session)
        ]
    if as_json:
        print_json({"items": [{**_public(row), "total_bytes": total} for row, total in rows]})
        return
    print_table(
        ("name", "digest", "state", "size", "context", "licence"),
        [
            (row.name, _short(row), row.state, size(total), row.context_tokens, row.license)
            for row, total in rows
        ],
        empty="no releases: corral release register DIR --name OWNER/NAME",
    )


@release.command()
@click.argument("name")
@json_option
@click.pass_context
def show(context: click.Context, name: str, as_json: bool) -> None:
    """Show the release NAME and its files.

    Example: corral release show meta/llama-7b
    """
    with open_records(context) as records:
        with records.database.reading() as session:
            row = queries.get(session, name)
        facts = _facts(records, row)
    if as_json:
        print_json(facts)
        return
    files, record = facts.pop("files"), facts.pop("derivation")
    signed = [f"key {each['key'][:SHOWN_DIGITS]}" for each in facts["signatures"]]
    shown = {**facts, "total_bytes": size(facts["total_bytes"]), "signatures": signed}
    print_facts({**shown, **derivation.facts_of(record)})
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

    Example: corral release publish meta/llama-7b
    """
    _move(context, name, ReleaseState.PUBLISHED, reason, as_json=as_json)


@release.command()
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why its bytes are in doubt.")
@json_option
@click.pass_context
def quarantine(context: click.Context, name: str, reason: str, as_json: bool) -> None:
    """Stop the use of the release NAME while its bytes are in doubt; its jobs wait.

    Example: corral release quarantine meta/llama-7b --reason "verify found another digest"
    """
    _move(context, name, ReleaseState.QUARANTINED, reason, as_json=as_json)


@release.command()
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why it ends.")
@json_option
@click.pass_context
def withdraw(context: click.Context, name: str, reason: str, as_json: bool) -> None:
    """End the use of the release NAME for good; its waiting jobs fail.

    Example: corral release withdraw meta/llama-7b --reason "the licence has ended"
    """
    _move(context, name, ReleaseState.WITHDRAWN, reason, as_json=as_json)


def _move(
    context: click.Context, name: str, to: ReleaseState, reason: str, *, as_json: bool
) -> None:
    with open_records(context) as records, records.database.transaction() as session:
        row = releases.move(session, name=name, to=to, actor=OPERATOR, reason=reason)
    if as_json:
        print_json(_public(row))
    else:
        click.echo(f"{row.name} is {row.state}")


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
    can_verify = any(each.is_common for each in signatures)
    return {
        **_public(row),
        "total_bytes": manifest.total_bytes,
        "signatures": [asdict(each) for each in signatures],
        "verify_command": verify_command(row.name) if can_verify else None,
        "files": _files(manifest),
        "derivation": derivation.derivation_of(records, row),
    }


def _print_files(heading: str, files: list[dict[str, Any]]) -> None:
    click.echo()
    print_table(
        (heading, "size", "sha256"),
        [(each["path"], size(each["size"]), each["sha256"]) for each in files],
        empty="no files",
    )


def _public(row: Release) -> dict[str, Any]:
    """Return what the API says of a release."""
    return ReleaseView.model_validate(row).model_dump(mode="json")


def _files(manifest: Manifest) -> list[dict[str, Any]]:
    return [FileView.model_validate(each).model_dump(mode="json") for each in manifest.files]


def _short(row: Release) -> str:
    return row.digest[:SHOWN_DIGITS]
