"""``corral receipt``: what scored an output, fetched and checked."""

import json
from pathlib import Path

import click

from api.cli.connection import connected, open_to_all
from api.cli.render import json_option, plain, print_json
from api.client import Client


@click.command()
@click.argument("identifier", metavar="ID")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it to FILE, not to standard output.",
)
@json_option
@connected
def fetch(client: Client, identifier: str, out: Path | None, as_json: bool) -> None:
    """Fetch the receipt of the output ID.

    The word fetch may be left out: corral receipt ID.

    Example: corral receipt fetch 0198c5b2-7c1e-7d30-9a55-2f6f1f0a1b2c --out receipt.json
    """
    receipt = client.receipt(identifier)
    in_ledger = receipt["ledger"] is not None
    document = json.dumps(receipt, indent=2)
    if out is not None:
        out.write_text(f"{document}\n", encoding="utf-8")
    if as_json:
        print_json(receipt if out is None else {"file": str(out), "in_ledger": in_ledger})
    else:
        click.echo(document if out is None else plain(f"the receipt is in {out}"))
    if not in_ledger:
        click.echo("it has no place in the ledger yet: fetch it again in a moment", err=True)


@click.command()
@click.argument("key_id", required=False, metavar="[KEY_ID]")
@click.option("--ledger", is_flag=True, help="The key that verifies the ledger's checkpoints.")
@json_option
@open_to_all
def key(client: Client, key_id: str | None, ledger: bool, as_json: bool) -> None:
    """Print a public key that signs receipts.

    Without KEY_ID, the one that a scoring worker enrolled last; a receipt names its key.

    Example: corral receipt key > receipts.pem
    """
    name = "vkey" if ledger else "pem"
    text = client.ledger_key()["vkey"] if ledger else client.receipt_key(key_id).rstrip()
    if as_json:
        print_json({name: text})
    else:
        click.echo(plain(text))
