"""``corral release identify``: what a folder is, without a server and without an upload."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from api.cli import identity
from api.cli.bars import byte_bar
from api.cli.records import open_records
from api.cli.render import json_option, plain, print_json
from api.cli.settings import settings_of
from registry.checkpoints import catalogue
from registry.checkpoints.identify import Identity, Known, identify, of_catalogue
from registry.checkpoints.known import catalogues_in, published
from registry.checkpoints.layouts import files_of
from registry.checkpoints.weights import is_weights
from registry.errors import Unavailable
from registry.releases.candidates import known_releases


@click.command("identify")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--catalogue",
    "catalogues",
    multiple=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Compare with what this file lists, too.",
)
@json_option
@click.pass_context
def identify_folder(
    context: click.Context, folder: Path, catalogues: tuple[Path, ...], as_json: bool
) -> None:
    """Say what the checkpoint in DIR, or the single file DIR, is.

    It is compared with the releases in the records, if there are any, with the published
    checksums that come with Corral, and with catalogues of your own. From the most precise
    to the least: the same files; the same weights in another layout; the same after
    bfloat16; a known mistake in the order of rows; all but few tensors; some tensors;
    unknown. Nothing is uploaded, and nothing is changed.

    Example: corral release identify ./llama-7b --catalogue ours.toml
    """
    known, notes = _known(context, catalogues)
    found = identified(folder, known)
    found = replace(found, notes=(*found.notes, *notes))
    if as_json:
        print_json(identity.to_json(folder, found))
        return
    for line in identity.sentences(folder, found):
        click.echo(plain(line))


def identified(folder: Path, known: Sequence[Known]) -> Identity:
    """Identify a folder or a single file, with a bar on a terminal.

    Raises:
        BadCheckpoint: A file cannot be read, or changed meanwhile.
    """
    files = files_of(folder) if folder.is_dir() else (folder.absolute(),)
    root = folder.resolve() if folder.is_dir() else folder.absolute().parent
    # Tensors are read once more, after the files, unless the files have answered.
    total = sum(file.stat().st_size * (1 + is_weights(file.name)) for file in files)
    with byte_bar("identifying", total) as progress:
        return identify(files, root=root, known=known, progress=progress)


def _known(context: click.Context, given: Sequence[Path]) -> tuple[list[Known], tuple[str, ...]]:
    """Return everything to compare with, and why the records are not among it, if so."""
    listed = [
        *published(),
        *catalogues_in(settings_of(context).catalogues_path),
        *(catalogue.read_catalogue(file) for file in given),
    ]
    others = [known for each in listed for known in of_catalogue(each)]
    try:
        with open_records(context) as records, records.database.reading() as session:
            return [*known_releases(session), *others], ()
    except Unavailable as error:
        return others, (f"compared with catalogues alone: {error}",)
