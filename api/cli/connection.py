"""What the commands share that speak HTTP: where the service is, and who is asking."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from api.client import Client

URL = "http://127.0.0.1:8642"

P = ParamSpec("P")
R = TypeVar("R")


_url_option = click.option(
    "--url",
    envvar="CORRAL_URL",
    default=URL,
    metavar="URL",
    help=f"Where the service is; CORRAL_URL, else {URL}.",
)


def connected(command: Callable[Concatenate[Client, P], R]) -> Callable[..., R]:
    """Give a command a client as its first argument, and the options that make one."""

    @_url_option
    @click.option(
        "--token",
        envvar="CORRAL_TOKEN",
        metavar="TOKEN",
        help="Your API token; better in CORRAL_TOKEN, since others can see command lines.",
    )
    @wraps(command)
    def with_client(*arguments: Any, url: str, token: str | None, **options: Any) -> R:
        if not token:
            raise click.ClickException(
                "no token: set CORRAL_TOKEN to what the operator's corral token issue printed"
            )
        with Client(url, token) as client:
            return command(client, *arguments, **options)

    return with_client


def open_to_all(command: Callable[Concatenate[Client, P], R]) -> Callable[..., R]:
    """Give a command a client that speaks for nobody, and the option that makes one."""

    @_url_option
    @wraps(command)
    def with_client(*arguments: Any, url: str, **options: Any) -> R:
        with Client(url) as client:
            return command(client, *arguments, **options)

    return with_client
