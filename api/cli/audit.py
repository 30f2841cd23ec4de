"""``corral audit``: the ledger, recomputed and taken along."""

from pathlib import Path

import click

from api.cli.bars import count_bar
from api.cli.records import Records, open_records
from api.cli.render import json_option, plain, print_json
from registry.keys import load_or_create_key
from registry.ledger import checkpoint as checkpoints
from registry.ledger import queries
from registry.ledger import service as ledger
from registry.ledger.checkpoint import Checkpoint
from registry.ledger.export import lines
from registry.ledger.verify import verify as verify_ledger

KEY = "ledger.pem"


@click.command()
@click.option(
    "--checkpoint",
    "note",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A signed checkpoint that you kept; the ledger must have grown from it.",
)
@json_option
@click.pass_context
def verify(context: click.Context, note: Path | None, as_json: bool) -> None:
    """Recompute the ledger from its entries; exit 1 if one was altered, removed or moved.

    Example: corral audit verify --checkpoint last-month.checkpoint
    """
    with open_records(context) as records:
        known = None if note is None else _known(records, note)
        with records.database.reading() as session:
            report = verify_ledger(session, known=known)
    if as_json:
        print_json(
            {
                "holds": report.holds,
                "size": report.size,
                "root": report.root,
                "pending": report.pending,
                "problems": list(report.problems),
            }
        )
    elif report.holds:
        waiting = f"; {report.pending} more wait for their place" if report.pending else ""
        click.echo(f"the ledger holds: {report.size} entries, root {report.root}{waiting}")
    if not report.holds:
        for problem in report.problems:
            click.echo(plain(problem), err=True)
        raise click.ClickException("the ledger does not hold: keep a copy of it as it is")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@click.pass_context
def export(context: click.Context, file: Path, as_json: bool) -> None:
    """Write every entry to FILE, and the signed checkpoint beside it.

    Each line holds an index, a leaf hash and an entry. The leaf hash is SHA-256 over a zero
    byte and the entry as JSON with sorted keys and without spaces; the root in
    FILE.checkpoint is that of RFC 6962 over all leaf hashes.

    Example: corral audit export ledger.jsonl
    """
    draft, beside = (file.with_name(f"{file.name}.{end}") for end in ("unfinished", "checkpoint"))
    with open_records(context) as records:
        _sequence_all(records)
        with records.database.reading() as session:
            size, root = queries.head(session)
            with draft.open("wb") as target, count_bar("exporting", size) as progress:
                for line in lines(session, size=size, root=root):
                    target.write(line.to_json())
                    progress(1)
        checkpoint = Checkpoint(records.settings.ledger_origin, size, root)
        key = load_or_create_key(records.settings.keys_dir / KEY)
    draft.replace(file)
    beside.write_text(checkpoints.sign(checkpoint, key), encoding="utf-8")
    if as_json:
        print_json({"file": str(file), "checkpoint": str(beside), "size": size, "root": root.hex()})
    else:
        click.echo(f"{size} entries are in {file}, the signed checkpoint in {beside}")


def _known(records: Records, note: Path) -> Checkpoint:
    """Return a checkpoint that this ledger signed."""
    key = load_or_create_key(records.settings.keys_dir / KEY).public_key()
    vkey = checkpoints.vkey(records.settings.ledger_origin, key)
    return checkpoints.verify(note.read_text(encoding="utf-8"), vkey)


def _sequence_all(records: Records) -> None:
    """Give every entry its place, so that nothing that was recorded is left out."""
    while True:
        with records.database.transaction() as session:
            if not ledger.sequence(session):
                return
