"""Texts that people give: on the command line, or on standard input."""

import sys

import click


def text_of(given: str | None) -> str:
    """Return the text that was given, or what standard input holds for ``-`` and for nothing.

    One newline at the end of standard input is the shell's, and is left out.

    Raises:
        click.ClickException: It is not UTF-8.
    """
    try:
        if given is None or given == "-":
            return sys.stdin.buffer.read().decode().removesuffix("\n")
        given.encode()  # Bytes of the command line that are no UTF-8 became lone surrogates.
    except UnicodeError as error:
        raise click.ClickException("the text is not UTF-8") from error
    return given
