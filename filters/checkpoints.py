"""Where a classifier is loaded from, and the check of its bytes before anything reads them."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

LARGEST_BYTES = 2 * 1024**3
"""Larger than the largest published Detoxify checkpoint (XLM-R base, 1.1 GB)."""


class BadCheckpoint(ValueError):
    """The checkpoint is not one that may score text; the message says why."""


@dataclass(frozen=True, slots=True)
class CheckpointSource:
    """Where a classifier comes from.

    Attributes:
        path: The checkpoint file, in Detoxify's format.
        config: Folder with ``config.json``, ``tokenizer.json`` and ``tokenizer_config.json``.
        digest: sha256 that the file must have.
    """

    path: Path
    config: Path
    digest: str


def read_checked(source: CheckpointSource) -> bytes:
    """Return the bytes of the checkpoint once they have the expected digest.

    The caller parses these bytes, not the file, so nothing can be swapped in between.

    Raises:
        BadCheckpoint: The file is missing, too large, has another digest, or would inflate.
    """
    try:
        size = source.path.stat().st_size
    except OSError as error:
        raise BadCheckpoint(f"{source.path.name} cannot be read: {error.strerror}") from error
    if size > LARGEST_BYTES:
        raise BadCheckpoint(f"{source.path.name} has {size} bytes, more than {LARGEST_BYTES}")
    content = source.path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != source.digest.lower():
        raise BadCheckpoint(
            f"{source.path.name} has digest {digest[:12]}, expected {source.digest[:12]}"
        )
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if any(each.compress_type != zipfile.ZIP_STORED for each in archive.infolist()):
                raise BadCheckpoint(f"{source.path.name} is compressed; torch.save never does that")
    return content


def check_listed(folder: Path) -> dict[str, str]:
    """Check every file that ``SHA256SUMS`` in the folder lists, and return name to digest.

    Raises:
        BadCheckpoint: A listed file is missing or differs.
    """
    listed: dict[str, str] = {}
    for line in (folder / "SHA256SUMS").read_text(encoding="ascii").splitlines():
        expected, name = line.split(maxsplit=1)
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise BadCheckpoint(f"{name} is missing or is not the file that SHA256SUMS lists")
        listed[name] = expected
    return listed
