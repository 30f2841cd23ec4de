"""Download of a large file that is pinned by its digest, going on where an earlier try stopped."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import httpx

from filters.checkpoints import LARGEST_BYTES

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes that there will be, if known."""

_PARTIAL = 206
_BEYOND_THE_END = 416


class DownloadFailed(RuntimeError):
    """The file did not come, or is not the one asked for; nothing usable was left behind."""


def fetch(url: str, target: Path, *, digest: str, progress: Progress | None = None) -> Path:
    """Download a file, going on where an earlier try stopped, and check its digest.

    A file that is there already and has the digest is left as it is. Of several processes that
    fetch the same file one downloads it, and the others wait for that.

    Args:
        url: Where the file is.
        target: Where it goes; until it is complete and checked it is called ``<target>.part``.
        digest: sha256 that it must have.
        progress: Told how many bytes are there.

    Raises:
        DownloadFailed: The server refused or broke off, or the digest is wrong. A part that may be
            continued is kept; a whole file with a wrong digest is deleted.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(part) as file:
            if target.is_file() and _digest(target) == digest.lower():
                part.unlink(missing_ok=True)
                return target
            with httpx.Client(follow_redirects=True, timeout=30.0) as client:
                _receive(client, url, file, progress)
            file.flush()
            found = _digest(part)
            if found == digest.lower():
                return part.replace(target)
            part.unlink()
    except httpx.HTTPStatusError as error:
        raise DownloadFailed(
            f"{target.name} did not come: the server answered {error.response.status_code}"
        ) from error
    except httpx.HTTPError as error:
        raise DownloadFailed(
            f"{target.name} did not come completely ({type(error).__name__}); "
            "try again, and it goes on where it stopped"
        ) from error
    except OSError as error:
        raise DownloadFailed(f"{target.name} cannot be written: {error.strerror}") from error
    raise DownloadFailed(f"{target.name} has digest {found[:12]}, expected {digest[:12]}; deleted")


@contextmanager
def _alone(part: Path) -> Iterator[BinaryIO]:
    """Open the part for appending, by one process at a time, and never through a link."""
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        with os.fdopen(os.open(part, flags, 0o644), "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # Whoever held the lock before may have moved the file away, or deleted it.
            if part.exists() and part.stat().st_ino == os.fstat(file.fileno()).st_ino:
                yield file
                return


def _receive(client: httpx.Client, url: str, file: BinaryIO, progress: Progress | None) -> None:
    there = os.fstat(file.fileno()).st_size
    headers = {"Accept-Encoding": "identity"}
    if there:
        headers["Range"] = f"bytes={there}-"
    with client.stream("GET", url, headers=headers) as answer:
        if there and answer.status_code == _BEYOND_THE_END:
            return  # The part is the whole file already; its digest is checked next.
        answer.raise_for_status()
        if answer.status_code != _PARTIAL or not _starts_at(answer, there):
            there = 0
            file.truncate(0)
        length = answer.headers.get("Content-Length")
        whole = there + int(length) if length else None
        for chunk in answer.iter_bytes():
            there += file.write(chunk)
            if there > LARGEST_BYTES:
                file.truncate(0)
                raise DownloadFailed(
                    f"the server sends more than {LARGEST_BYTES} bytes, so it is another file"
                )
            if progress:
                progress(there, whole)


def _starts_at(answer: httpx.Response, first: int) -> bool:
    return str(answer.headers.get("Content-Range", "")).startswith(f"bytes {first}-")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
