"""Read signed documents so that no two readers can understand one differently."""

import base64
import json
from typing import Any, NoReturn

Json = dict[str, Any]


def read_object(content: bytes | str) -> Json:
    """Read a JSON object.

    Raises:
        ValueError: It is none, a member comes twice, or a number is none; the message says
            which, and begins with ``it is``.
    """
    try:
        document = json.loads(
            content, object_pairs_hook=_without_repeats, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        raise ValueError("it is not JSON, or not all of it") from error
    if not isinstance(document, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 (the text is wrong, not its type)
    return document


def to_base64(content: bytes) -> str:
    """Return bytes in base64 with padding."""
    return base64.b64encode(content).decode()


def from_base64(text: str) -> bytes:
    """Read base64 as ``to_base64`` writes it.

    Raises:
        ValueError: It is written in another way.
    """
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError("what should be base64 is not") from error
    if to_base64(content) != text:
        raise ValueError("the base64 is not canonical")
    return content


def _without_repeats(members: list[tuple[str, Any]]) -> Json:
    document = dict(members)
    if len(document) != len(members):
        raise ValueError("a member comes twice")
    return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
