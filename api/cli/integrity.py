"""``corral release verify`` and ``export``: the bytes, hashed again."""

from collections.abc import Sequence
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
from api.v1.schemas.releases import views_of
from registry.accounts.service import OPERATOR
from registry.checkpoints.expectations import Expected
from registry.checkpoints.layouts import files_of
from registry.checkpoints.manifest import SHOWN_DIGITS, Differences, Manifest
from registry.errors import UnknownRelease
from registry.releases import queries, tensors
from registry.releases.candidates import known_releases
from registry.releases.intake import check_folder
from registry.releases.model import Release, ReleaseState
from registry.releases.verifying import Verified, verify_release

Json = dict[str, Any]

SHOWN_TENSORS = 10

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

    NAME checks the store's files against the release and records the result: a registered
    release that holds is verified, and one that does not is quarantined at once. DIR says which
    release a folder is, or how it differs from the one that it resembles most, and changes
    nothing. A release's name wins over a folder's; write ./DIR to mean the folder. With
    --expect the files of DIR are checked against a list instead. A release that is older than
    tensor roots gets its own once it holds.

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
        if _is_release(records, subject):
            verified = verify_stored(records, subject, as_json=as_json)
            if not as_json:
                click.echo(_held(verified))
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
        with records.database.reading() as session:
            manifest = queries.manifest_of(session, queries.get(session, subject))
        signing.verify_signed_release(records, manifest, subject, signature, key, as_json=as_json)


def verify_stored(records: Records, name: str, *, as_json: bool = False) -> Verified:
    """Verify the stored files of a release; name each that differs, and exit 1 if one does.

    The release is in quarantine then.
    """
    with records.database.reading() as session:
        total = queries.manifest_of(session, queries.get(session, name)).total_bytes
    with byte_bar("verifying", total) as progress:
        verified = verify_release(
            records.database, records.store, name=name, actor=OPERATOR, progress=progress
        )
    row, differences = verified.release, verified.differences
    if differences.holds and row.tensor_root is None:
        row = tensors.fill_in(records.database, records.store, name, actor=OPERATOR)
    changed = (
        tensors.differing(records.database, records.store, name) if not differences.holds else []
    )
    if as_json:
        facts = {"name": name, "digest": row.digest, "state": row.state, "tensors": changed}
        print_json({**facts, **_json(differences)})
    if not differences.holds:
        _fail(
            [*differences.summary(), _tensors(changed)],
            f"{name} does not hold and is {row.state}. Mend it: corral release register DIR "
            f"--name {name}, with a good copy; then corral release verify {name}, and a second "
            f"person lifts the quarantine: corral release lift {name} --reason TEXT",
        )
    return verified


def state_of(records: Records, name: str) -> ReleaseState:
    """Return the state of a release."""
    with records.database.reading() as session:
        return queries.get(session, name).state


def facts_of(records: Records, row: Release) -> Json:
    """Return what the API says of a release."""
    with records.database.reading() as session:
        return views_of(session, [row])[0].model_dump(mode="json")


def print_state(records: Records, row: Release, *, as_json: bool) -> None:
    """Say what a release has become."""
    if as_json:
        print_json(facts_of(records, row))
    else:
        click.echo(f"{row.name} is {row.state}")


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


def _is_release(records: Records, name: str) -> bool:
    with records.database.reading() as session:
        try:
            queries.get(session, name)
        except UnknownRelease:
            return False
        return True


def _held(verified: Verified) -> str:
    row = verified.release
    said = f"{row.name} holds: {_amount(verified.manifest)}, digest {row.digest[:SHOWN_DIGITS]}"
    if row.state is not ReleaseState.QUARANTINED:
        return said
    return (
        f"{said}; it is quarantined still: another person lifts that "
        f"(corral release lift {row.name} --reason TEXT)"
    )


def _fail(findings: Sequence[str], sentence: str) -> NoReturn:
    """Name each difference, then say what it means, on standard error; exit 1."""
    for line in findings:
        click.echo(plain(line), err=True)
    raise click.ClickException(plain(sentence))


def _tensors(changed: Sequence[str] | None) -> str:
    """Say which tensors differ, where that can be told."""
    if changed is None:
        return "which tensors differ cannot be told: a file is gone or unreadable"
    more = f" and {len(changed) - SHOWN_TENSORS} more" if len(changed) > SHOWN_TENSORS else ""
    named = ", ".join(changed[:SHOWN_TENSORS]) or "none; the difference is outside the weights"
    return f"tensors that differ: {named}{more}"


def _json(differences: Differences) -> Json:
    return {
        "holds": differences.holds,
        "different": [expected.path for expected, _ in differences.different],
        "missing": [each.path for each in differences.missing],
        "extra": [each.path for each in differences.extra],
    }


def _amount(manifest: Manifest) -> str:
    return f"{len(manifest.files)} files, {size(manifest.total_bytes)}"
