"""What the user says a checkpoint's files should be: ``--expect``."""

from pathlib import Path

import click

expect_option = click.option(
    "--expect",
    multiple=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A list of checksums that the files must have: checklist.chk, SHA256SUMS and the like.",
)
