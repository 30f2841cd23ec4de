"""``corral receipt verify``: a receipt, a key, and nothing else. No records, no network."""

from pathlib import Path

import click

from api.cli.render import json_option, plain, print_facts, print_json
from registry.errors import BadSignature
from registry.receipts.envelope import read_public_key
from registry.receipts.verify import Checked
from registry.receipts.verify import verify as verify_receipt

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_UNCHECKED = "states a size and a root; its signature needs --ledger-key"


@click.command()
@click.argument("file", type=_FILE)
@click.option("--key", required=True, metavar="FILE", type=_FILE, help="Public key, in PEM.")
@click.option(
    "--ledger-key",
    metavar="FILE",
    type=_FILE,
    help="The ledger's verifier key; the receipt must then be in the ledger.",
)
@click.option("--text", metavar="FILE", type=_FILE, help="The output's text, to compare.")
@json_option
def verify(
    file: Path, key: Path, ledger_key: Path | None, text: Path | None, *, as_json: bool
) -> None:
    """Check the receipt in FILE, offline.

    Exits with 1 and one sentence if anything in it was altered, if another key signed it, or
    if the text is another one.

    Example: corral receipt verify receipt.json --key receipts.pem --ledger-key ledger.vkey
    """
    checked = verify_receipt(
        file.read_bytes(),
        key=read_public_key(key.read_bytes()),
        ledger_vkey=None if ledger_key is None else _vkey(ledger_key),
        text=None if text is None else text.read_bytes(),
    )
    if as_json:
        print_json(_json(checked))
        return
    said = checked.statement.predicate
    click.echo(plain(f"the receipt holds: output {said.output}, decision {said.decision}"))
    print_facts(
        {
            "release": f"{said.release.name}, digest {said.release.digest}",
            "policy": said.policy.digest,
            "filters": [f"{each.name} {each.version}" for each in said.filters],
            "flagged by": [f"{each.filter}.{each.label}" for each in said.flagged_by] or None,
            "text": "the one that was scored" if checked.text_matches else "not compared",
            "ledger": _ledger(checked),
            "entries": [str(entry["action"]) for entry in checked.entries] or None,
            "given at": said.given_at,
        }
    )


def _vkey(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except UnicodeDecodeError as error:
        raise BadSignature(
            "this is no verifier key: fetch one with corral receipt key --ledger"
        ) from error


def _ledger(checked: Checked) -> str:
    if checked.checkpoint is None:
        return "no proof in this receipt: fetch it again later"
    where = f"{checked.checkpoint.origin}, size {checked.checkpoint.size}"
    return f"in {where}, signed" if checked.ledger_signed else f"{where}: {_UNCHECKED}"


def _json(checked: Checked) -> dict[str, object]:
    return {
        "holds": True,
        "receipt": checked.sha256,
        "output_sha256": checked.statement.output_sha256,
        **checked.statement.predicate.model_dump(),
        "text_matches": checked.text_matches,
        "in_ledger": checked.checkpoint is not None,
        "ledger_signed": checked.ledger_signed,
        "entries": list(checked.entries),
    }
