"""``corral filter fetch``: a published toxicity checkpoint, behind a digest check."""

from pathlib import Path

import click

from api.cli.bars import download_bar
from api.cli.render import json_option, print_json
from api.cli.settings import settings_of
from filters.download import fetch
from filters.published import PUBLISHED


@click.command("fetch")
@click.argument("name", metavar="NAME|URL")
@click.option(
    "--sha256",
    "digest",
    required=True,
    metavar="HEX",
    help="Digest that the whole file must have; the eight digits in its name are not one.",
)
@click.option(
    "--out",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; else NAME's place in the data directory.",
)
@json_option
@click.pass_context
def fetch_checkpoint(
    context: click.Context, name: str, digest: str, target: Path | None, as_json: bool
) -> None:
    """Download a published toxicity checkpoint.

    NAME is Detoxify's: original, unbiased, multilingual, original-small or unbiased-small. A
    download that broke off goes on where it stopped. Then set CORRAL_TOXICITY_MODEL to NAME, or
    CORRAL_TOXICITY_CHECKPOINT to the file; CORRAL_TOXICITY_CHECKPOINT_SHA256 to its digest, and
    CORRAL_TOXICITY_CONFIG_DIR to a folder with its configuration and tokenizer.

    Example: corral filter fetch unbiased --sha256 HEX
    """
    published = PUBLISHED.get(name)
    url = published.url if published else name
    if not url.startswith(("https://", "http://")):
        raise click.UsageError(f"{name} is neither an address nor one of {', '.join(PUBLISHED)}")
    if target is None:
        if not published:
            raise click.UsageError("say with --out where a file from an address goes")
        target = settings_of(context).data_dir / "checkpoints" / f"{name}.ckpt"
    with download_bar(target.name) as bar:
        fetch(url, target, digest=digest, progress=bar)
    if as_json:
        print_json({"file": str(target), "sha256": digest.lower()})
        return
    click.echo(f"{target} is there and has the digest {digest[:12].lower()}")
    if published:
        click.echo(f"it needs a folder with the configuration and tokenizer of {published.config}")
