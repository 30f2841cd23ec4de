"""What the user says a checkpoint's files should be: ``--expect``, and ``--key`` to check it."""

from pathlib import Path

import click

from registry.checkpoints.expectations import Expected, read_expected
from registry.checkpoints.signed_lists import SignedList

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

expect_option = click.option(
    "--expect",
    multiple=True,
    metavar="FILE",
    type=_FILE,
    help="What the files must be: a checklist.chk, a SHA256SUMS and the like, or a signature.",
)
key_option = click.option(
    "--key", metavar="FILE", type=_FILE, help="Public key of the signature's signer, in PEM."
)


def read_all(files: tuple[Path, ...], key: Path | None) -> list[Expected]:
    """Read what ``--expect`` names, with the key that ``--key`` does."""
    pem = None if key is None else key.read_bytes()
    read = [read_expected(file, key=pem) for file in files]
    if pem is not None and not any(isinstance(each, SignedList) for each in read):
        raise click.UsageError("--key checks a signature: name one with --expect")
    return read
