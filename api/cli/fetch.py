"""``corral filter fetch``: a published toxicity checkpoint, behind a digest check."""

from pathlib import Path

import click

from api.cli.bars import byte_bar
from api.cli.render import json_option, print_json
from filters.download import PUBLISHED, fetch


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
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write.",
)
@json_option
def fetch_checkpoint(name: str, digest: str, target: Path, as_json: bool) -> None:
    """Download a published toxicity checkpoint.

    NAME is Detoxify's: original, unbiased, multilingual, original-small or unbiased-small. A
    download that broke off goes on where it stopped. Then set CORRAL_TOXICITY_CHECKPOINT,
    CORRAL_TOXICITY_CHECKPOINT_SHA256 and CORRAL_TOXICITY_CONFIG_DIR.

    Example: corral filter fetch unbiased --sha256 HEX --out unbiased.ckpt
    """
    published = PUBLISHED.get(name)
    url = published.url if published else name
    if not url.startswith(("https://", "http://")):
        raise click.UsageError(f"{name} is neither an address nor one of {', '.join(PUBLISHED)}")
    with byte_bar(target.name, 0) as advance:
        done = 0

        def report(there: int, _total: int | None) -> None:
            nonlocal done
            advance(there - done)
            done = there

        fetch(url, target, digest=digest, progress=report)
    if as_json:
        print_json({"file": str(target), "sha256": digest.lower()})
        return
    click.echo(f"{target} is there and has the digest {digest[:12].lower()}")
    if published:
        click.echo(f"it needs a folder with the configuration and tokenizer of {published.config}")
