"""``corral release sign``, and checking a signature: offline, or of a release in the store."""

import os
import secrets
import shlex
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import click

from api.cli.bars import byte_bar
from api.cli.records import Records, open_records
from api.cli.render import json_option, plain, print_json
from registry.accounts.service import OPERATOR
from registry.checkpoints.digest import Progress
from registry.checkpoints.keys import SHOWN_DIGITS, hint_of, read_private_key
from registry.checkpoints.manifest import Manifest
from registry.checkpoints.resources import Comparison, Serialization
from registry.checkpoints.signed_folders import open_folder
from registry.checkpoints.signing import LIMIT_BYTES, Bundle, verify_bundle
from registry.errors import BadSignature
from registry.releases import queries
from registry.releases.signatures import sign_release, verify_command

PASSPHRASE = "CORRAL_KEY_PASSPHRASE"  # noqa: S105 (a variable's name)

COMMON_HASH = "sha256"

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("name")
@click.option("--key", "key_file", required=True, metavar="PEM", type=_FILE, help="Private key.")
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the bundle goes, such as model.sig.",
)
@click.option(
    "--hash",
    "hash_type",
    type=click.Choice(["sha256", "blake3"]),
    default=COMMON_HASH,
    help="What digests the files; every verifier knows sha256, the default.",
)
@click.option(
    "--shard-size",
    metavar="BYTES",
    type=click.IntRange(min=1),
    help="Sign spans of this size instead of whole files.",
)
@json_option
@click.pass_context
def sign(
    context: click.Context,
    name: str,
    key_file: Path,
    out: Path,
    hash_type: Any,
    shard_size: int | None,
    as_json: bool,
) -> None:
    """Sign the files of the release NAME, as they were registered, with a key of yours.

    The key is one of an elliptic curve (P-256, P-384 or P-521) in PEM. The passphrase of an
    encrypted one is asked for, or is in CORRAL_KEY_PASSPHRASE. The ledger remembers which key
    signed, by the sha256 of its public half.

    Example: corral release sign meta/llama-7b --key key.pem --out model.sig
    """
    if out.exists() and out.samefile(key_file):
        raise click.UsageError("--out would overwrite the key: name another file")
    if not out.absolute().parent.is_dir():  # found out before the ledger says that we signed
        raise click.ClickException(plain(f"{out.parent} is not there: make the folder first"))
    key = read_private_key(key_file.read_bytes(), passphrase=_passphrase)
    with open_records(context) as records:
        with _bar(records, name, shard_size) as progress:
            bundle = sign_release(
                records.database,
                records.store,
                name=name,
                key=key,
                serialization=Serialization(hash_type, shard_size),
                actor=OPERATOR,
                progress=progress,
            )
        _replace(out, bundle)
    hint = hint_of(key.public_key())
    if as_json:
        print_json({"name": name, "file": str(out), "key": hint})
        return
    click.echo(f"signed {name} with key {hint[:SHOWN_DIGITS]}: the bundle is in {out}")
    if hash_type == COMMON_HASH and shard_size is None:
        click.echo(f"others verify an exported folder with: {verify_command(name, str(out))}")
    else:
        click.echo(
            "the command model_signing verifies sha256 of whole files only; others verify this "
            f"with: corral release verify DIR --signature {shlex.quote(str(out))} --key key.pub"
        )


def verify_signed_folder(folder: Path, signature: Path, key: Path, *, as_json: bool) -> None:
    """Check a folder against a bundle; needs no records."""
    bundle = _bundle(signature, key)
    opened = open_folder(folder, bundle, besides=signature)
    with byte_bar("verifying", opened.total_bytes) as progress:
        comparison = opened.compare(bundle, progress=progress)
    _report(str(folder), bundle, comparison, as_json=as_json)


def verify_signed_release(
    records: Records, manifest: Manifest, name: str, signature: Path, key: Path, *, as_json: bool
) -> None:
    """Check the files of a release in the store against a bundle."""
    bundle = _bundle(signature, key)
    with byte_bar("verifying", manifest.total_bytes) as progress:
        differences = records.store.verify(manifest, progress=progress)
    comparison = bundle.compare(
        manifest.files, file_of=lambda path: records.store.entry_path(manifest, path)
    )
    said = (*differences.summary(), *comparison.differences)
    _report(name, bundle, Comparison(said, comparison.unsigned), as_json=as_json)


def _report(subject: str, bundle: Bundle, comparison: Comparison, *, as_json: bool) -> None:
    key = bundle.key_hint[:SHOWN_DIGITS]
    files = len({each.path for each in bundle.resources})
    if as_json:
        print_json(
            {
                "subject": subject,
                "holds": comparison.holds,
                "key": bundle.key_hint,
                "files": files,
                "differences": list(comparison.differences),
                "unsigned": list(comparison.unsigned),
            }
        )
    for path in comparison.unsigned:
        click.echo(plain(f"{path} was not signed, by the signer's choice"), err=True)
    if comparison.holds:
        if not as_json:
            click.echo(plain(f"{subject} holds: {files} files, as signed with key {key}"))
        return
    for line in comparison.differences:
        click.echo(plain(line), err=True)
    raise click.ClickException(plain(f"{subject} is not what was signed with key {key}"))


def _bundle(signature: Path, key: Path) -> Bundle:
    with signature.open("rb") as source:
        data = source.read(LIMIT_BYTES + 1)
    return verify_bundle(data, key.read_bytes())


def _bar(
    records: Records, name: str, shard_size: int | None
) -> AbstractContextManager[Progress | None]:
    """Return a bar where files are read: for shards alone."""
    if shard_size is None:
        return nullcontext()
    with records.database.reading() as session:
        total = queries.manifest_of(session, queries.get(session, name)).total_bytes
    return byte_bar("signing", total)


def _passphrase() -> str:
    given = os.environ.get(PASSPHRASE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise BadSignature(f"the key is encrypted: set {PASSPHRASE}, or run this on a terminal")
    entered: str = click.prompt("passphrase of the key", hide_input=True, err=True)
    return entered


def _replace(file: Path, content: bytes) -> None:
    """Write a file at once or not at all."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        draft.write_bytes(content)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
