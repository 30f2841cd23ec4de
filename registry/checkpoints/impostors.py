"""What stands where a file of a checkpoint should be.

Downloads go wrong in few ways, and each leaves something typical in the file's place: the
page of a sign-in, a pointer of Git LFS, an error in XML or JSON, nothing at all, or the
beginning of the file without its end.
"""

import os
from pathlib import Path

from registry.checkpoints.folders import is_pickle
from registry.errors import BadCheckpoint

_HEAD_BYTES = 512
_NEVER_EMPTY = frozenset({".json", ".model", ".safetensors", ".chk"})

_LFS_START = b"version https://git-lfs.github.com/spec/"
_PAGE_STARTS = (b"<!doctype html", b"<html")
_XML_START = b"<?xml"

_ZIP_START = b"PK\x03\x04"
_ZIP_END = b"PK\x05\x06"
_ZIP_END_BYTES = 22
_ZIP_COMMENT_BYTES = 65_535


def reject_impostor(file: Path, root: Path) -> None:
    """Refuse what stands where the real file should be.

    Raises:
        BadCheckpoint: Something does, or the file cannot be read.
    """
    name = file.relative_to(root)
    try:
        head, tail = _ends(file)
    except OSError as error:
        raise BadCheckpoint(f"{name} cannot be read: {error.strerror}") from error
    if not head and (file.suffix in _NEVER_EMPTY or is_pickle(file)):
        raise BadCheckpoint(f"{name} is empty: download it again")
    if head.startswith(_LFS_START):
        raise BadCheckpoint(
            f"{name} is a Git LFS pointer, not the file itself: run 'git lfs pull' in the clone"
        )
    if is_page(head) and file.suffix not in {".html", ".htm"}:
        raise BadCheckpoint(
            f"{name} is a web page, probably of a sign-in: sign in (accept the licence, set the "
            "token), then download it again"
        )
    if not is_pickle(file):
        return
    if _start(head).startswith((_XML_START, b"{")):
        raise BadCheckpoint(
            f"{name} is a server's error, not weights ({_shown(head)}): a download link lives for "
            "some days only, so ask for a fresh one and download it again"
        )
    if head.startswith(_ZIP_START) and _ZIP_END not in tail:
        raise BadCheckpoint(
            f"{name} is cut short: it begins as a zip and has no end after "
            f"{file.stat().st_size} bytes; continue the download, or start it again"
        )


def is_page(head: bytes) -> bool:
    """Return whether a file that begins like this is a web page."""
    return _start(head).startswith(_PAGE_STARTS)


def _start(head: bytes) -> bytes:
    return head[:_HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").lower()


def _ends(file: Path) -> tuple[bytes, bytes]:
    """Return the first bytes, and as many of the last as the end of a zip can have."""
    with file.open("rb") as source:
        head = source.read(_HEAD_BYTES)
        if not head.startswith(_ZIP_START):
            return head, b""
        size = source.seek(0, os.SEEK_END)
        source.seek(max(0, size - _ZIP_END_BYTES - _ZIP_COMMENT_BYTES))
        return head, source.read()


def _shown(head: bytes) -> str:
    text = " ".join(head[:80].decode("ascii", "replace").split())
    return ascii(text)
