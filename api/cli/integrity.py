"""``corral release verify`` and ``export``: the bytes, hashed again."""

from pathlib import Path
from typing import Any, NoReturn

import click

from api.cli import identity, signing
from api.cli.bars import byte_bar
from api.cli.derivation import evidence_of
from api.cli.expected import expect_option, read_all
from api.cli.identify import identified
from api.cli.records import Records, open_records
from api.cli.render import json_option, plain, print_json, size
from registry.accounts.service import OPERATOR
from registry.checkpoints.expectations import Expected
from registry.checkpoints.layouts import files_of
from registry.checkpoints.manifest import SHOWN_DIGITS, Differences, Manifest
from registry.errors import UnknownRelease
from registry.releases import queries, tensors
from registry.releases.candidates import known_releases
from registry.releases.intake import check_folder
from registry.releases.model import Release

Json = dict[str, Any]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("subject", metavar="NAME|DIR")
@click.option("--signature", metavar="FILE", type=_FILE, help="Bundle that must fit the bytes.")
@click.option("--key", metavar="FILE", type=_FILE, help="Public key of its signer, in PEM.")
@expect_option
@json_option
@click.pass_context
def verify(
    context: click.Context,
    subject: str,
    signature: Path | None,
    key: Path | None,
    expect: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Hash every file again; exit 1 if a byte differs.

    NAME checks the store's files against the release; DIR says which release a folder is, or
    how it differs from the one that it resembles most. A release's name wins over a folder's;
    write ./DIR to mean the folder. With --expect the files of DIR are checked against a list
    instead. Nothing is changed, but a release that is older than tensor roots gets its own
    once it holds.

    With --signature and --key the bytes must be those that the key signed. A folder that is
    there then wins over a release's name, and needs no records.

    Example: corral release verify meta/llama-7b
    """
    if expect and signature is not None:
        raise click.UsageError("--expect and --signature are two checks: ask for one at a time")
    if expect and not Path(subject).is_dir():
        raise click.UsageError(f"--expect checks a folder, and {subject} is none")
    if expect:
        _verify_lists(Path(subject), read_all(expect, key), as_json=as_json)
        return
    if (signature is None) != (key is None):
        raise click.UsageError("--signature and --key go together")
    if signature is not None and key is not None:
        _verify_signature(context, subject, signature, key, as_json=as_json)
        return
    with open_records(context) as records:
        named = _find(records, subject)
        if named is not None:
            _verify_release(records, *named, as_json=as_json)
        elif Path(subject).exists():
            _verify_folder(records, Path(subject), as_json=as_json)
        else:
            raise UnknownRelease(subject)


@click.command()
@click.argument("name")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--evidence", is_flag=True, help="The originals that it was converted from.")
@json_option
@click.pass_context
def export(context: click.Context, name: str, folder: Path, evidence: bool, as_json: bool) -> None:
    """Write the files of the release NAME into the new folder DIR, checking every byte.

    With --evidence these are the originals that the release was converted from. Pickles may be
    among them, and whoever loads a pickle runs what is in it.

    Example: corral release export meta/llama-7b ./llama-7b
    """
    with open_records(context) as records:
        with records.database.reading() as session:
            row = queries.get(session, name)
            manifest = queries.manifest_of(session, row)
        if evidence:
            manifest = evidence_of(records, row)
        with byte_bar("exporting", manifest.total_bytes) as progress:
            records.store.materialise(manifest, folder, progress=progress)
    if as_json:
        print_json({"name": name, "folder": str(folder), "files": len(manifest.files)})
    else:
        click.echo(f"{name} is in {folder}: {_amount(manifest)}, every byte as registered")


def _verify_signature(
    context: click.Context, subject: str, signature: Path, key: Path, *, as_json: bool
) -> None:
    if Path(subject).is_dir():
        signing.verify_signed_folder(Path(subject), signature, key, as_json=as_json)
        return
    with open_records(context) as records:
        named = _find(records, subject)
        if named is None:
            raise UnknownRelease(subject)
        _, manifest = named
        signing.verify_signed_release(records, manifest, subject, signature, key, as_json=as_json)


def _verify_release(records: Records, row: Release, manifest: Manifest, *, as_json: bool) -> None:
    with byte_bar("verifying", manifest.total_bytes) as progress:
        differences = records.store.verify(manifest, progress=progress)
    if differences.holds and row.tensor_root is None:
        row = tensors.fill_in(records.database, records.store, row.name, actor=OPERATOR)
    if as_json:
        print_json({"name": row.name, "digest": row.digest, **_json(differences)})
    elif differences.holds:
        click.echo(f"{row.name} holds: {_amount(manifest)}, digest {row.digest[:SHOWN_DIGITS]}")
    if differences.holds:
        return
    _fail(
        differences,
        f"{row.name} does not hold. Stop its use: corral release quarantine {row.name} "
        "--reason TEXT",
    )


def _verify_folder(records: Records, folder: Path, *, as_json: bool) -> None:
    with records.database.reading() as session:
        known = known_releases(session)
    found = identified(folder, known)
    equal = [each for each in found.answers if each.known.digest == found.manifest.digest]
    if as_json:
        releases = [{"name": each.known.name, "state": each.known.state} for each in equal]
        print_json({**identity.to_json(folder, found), "releases": releases, "holds": bool(equal)})
    elif equal:
        for line in identity.sentences(folder, found):
            click.echo(plain(line))
    if equal:
        return
    for line in identity.sentences(folder, found):
        click.echo(plain(line), err=True)
    raise click.ClickException(
        plain(f"{folder} does not have the files of a release, byte for byte")
    )


def _verify_lists(folder: Path, lists: list[Expected], *, as_json: bool) -> None:
    total = sum(file.stat().st_size for file in files_of(folder))
    with byte_bar("verifying", total) as progress:
        checked = check_folder(folder, lists, progress=progress)
    if as_json:
        print_json({"folder": str(folder), "checked": checked, "holds": True})
        return
    for sentence in checked:
        click.echo(plain(sentence))


def _find(records: Records, name: str) -> tuple[Release, Manifest] | None:
    with records.database.reading() as session:
        try:
            row = queries.get(session, name)
        except UnknownRelease:
            return None
        return row, queries.manifest_of(session, row)


def _fail(differences: Differences, sentence: str) -> NoReturn:
    """Name each difference, then say what it means, on standard error; exit 1."""
    for line in differences.summary():
        click.echo(plain(line), err=True)
    raise click.ClickException(plain(sentence))


def _json(differences: Differences) -> Json:
    return {
        "holds": differences.holds,
        "different": [expected.path for expected, _ in differences.different],
        "missing": [each.path for each in differences.missing],
        "extra": [each.path for each in differences.extra],
    }


def _amount(manifest: Manifest) -> str:
    return f"{len(manifest.files)} files, {size(manifest.total_bytes)}"
