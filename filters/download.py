"""Download of published Detoxify checkpoints, pinned by a digest that the operator states.

The eight hex digits in a published file's name are not a checksum of the file: they were taken
before the file was saved a last time. So there is no digest to ship here; the operator records one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

_BASE = "https://github.com/unitaryai/detoxify/releases/download"
_SIX = ("toxicity", "severe_toxicity", "obscene", "threat", "insult", "identity_attack")
_SIXTEEN = (
    *("toxicity", "severe_toxicity", "obscene", "identity_attack", "insult", "threat"),
    *("sexual_explicit", "male", "female", "homosexual_gay_or_lesbian", "christian", "jewish"),
    *("muslim", "black", "white", "psychiatric_or_mental_illness"),
)
_PARTIAL = 206
_BEYOND_THE_END = 416


class DownloadFailed(RuntimeError):
    """The file did not come, or is not the one asked for; nothing usable was left behind."""


@dataclass(frozen=True, slots=True)
class Published:
    """A published Detoxify checkpoint.

    Attributes:
        url: Where it is.
        config: Name of the configuration and tokenizer that it needs in a folder beside it.
        classes: The labels one finds in it; the order in the file itself is what counts.
    """

    url: str
    config: str
    classes: tuple[str, ...]


PUBLISHED = {
    "original": Published(
        f"{_BASE}/v0.1-alpha/toxic_original-c1212f89.ckpt", "bert-base-uncased", _SIX
    ),
    "unbiased": Published(
        f"{_BASE}/v0.3-alpha/toxic_debiased-c7548aa0.ckpt", "roberta-base", _SIXTEEN
    ),
    "multilingual": Published(
        f"{_BASE}/v0.4-alpha/multilingual_debiased-0b549669.ckpt", "xlm-roberta-base", _SIXTEEN
    ),
    "original-small": Published(
        f"{_BASE}/v0.1.2/original-albert-0e1d6498.ckpt", "albert-base-v2", _SIX
    ),
    "unbiased-small": Published(
        f"{_BASE}/v0.1.2/unbiased-albert-c8519128.ckpt", "albert-base-v2", _SIXTEEN
    ),
}


def fetch(
    url: str,
    target: Path,
    *,
    digest: str,
    progress: Callable[[int, int | None], None] | None = None,
) -> Path:
    """Download a file, going on where an earlier try stopped, and check its digest.

    Args:
        url: Where the file is.
        target: Where it goes; until it is complete and checked it is called ``<target>.part``.
        digest: sha256 that it must have.
        progress: Called with the bytes that are there and the bytes that there will be, if known.

    Raises:
        DownloadFailed: The server refused or broke off, or the digest is wrong. A part that may be
            continued is kept; a whole file with a wrong digest is deleted.
    """
    part = target.with_name(f"{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with httpx.Client(follow_redirects=True, timeout=30.0) as client:
            _receive(client, url, part, progress)
    except httpx.HTTPError as error:
        raise DownloadFailed(
            f"{target.name} did not come completely: {type(error).__name__}"
        ) from error
    found = _digest(part)
    if found != digest.lower():
        part.unlink()
        raise DownloadFailed(
            f"{target.name} has digest {found[:12]}, expected {digest[:12]}; deleted"
        )
    return part.replace(target)


def _receive(
    client: httpx.Client, url: str, part: Path, progress: Callable[[int, int | None], None] | None
) -> None:
    there = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if there:
        headers["Range"] = f"bytes={there}-"
    with client.stream("GET", url, headers=headers) as answer:
        if there and answer.status_code == _BEYOND_THE_END:
            return  # The part is the whole file already; its digest is checked next.
        answer.raise_for_status()
        goes_on = answer.status_code == _PARTIAL and _starts_at(answer, there)
        there = there if goes_on else 0
        length = answer.headers.get("Content-Length")
        whole = there + int(length) if length else None
        with part.open("ab" if goes_on else "wb") as file:
            for chunk in answer.iter_bytes():
                there += file.write(chunk)
                if progress:
                    progress(there, whole)


def _starts_at(answer: httpx.Response, first: int) -> bool:
    return str(answer.headers.get("Content-Range", "")).startswith(f"bytes {first}-")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
