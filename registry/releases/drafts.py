"""Files on their way into the store or out of it: drafts, room on the disk, copies that stay."""

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.checkpoints.digest import FileDigest, Progress, digest_file
from registry.errors import NotEnoughDisk

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def draft_folder(
    parent: Path, *, when_interrupted: Callable[[Path], None] | None = None
) -> Iterator[Path]:
    """Make a folder that is gone at the end, unless it was renamed.

    Args:
        parent: Where.
        when_interrupted: Called with the folder if the user interrupts, instead of removing it.
    """
    draft = parent / f".draft-{secrets.token_hex(8)}"
    draft.mkdir()
    end: Callable[[Path], None] = _remove
    try:
        yield draft
    except KeyboardInterrupt:
        end = when_interrupted or _remove
        raise
    finally:
        end(draft)


@contextmanager
def room(folder: Path, needed: int) -> Iterator[None]:
    """Refuse what does not fit, before it is written or when the disk says so.

    Raises:
        NotEnoughDisk: So many bytes do not fit.
    """
    if needed > shutil.disk_usage(folder).free:
        raise _not_enough(folder, needed)
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise _not_enough(folder, needed) from error


def _not_enough(folder: Path, needed: int) -> NotEnoughDisk:
    free = shutil.disk_usage(folder).free
    missing = max(needed - free, 0)
    advice = f"make room for {missing} more" if missing else "something else fills it, or a quota"
    return NotEnoughDisk(
        f"{needed} bytes are to be written to {folder}, where {free} are free: {advice}",
        needed_bytes=needed,
        free_bytes=free,
        missing_bytes=missing,
    )


def copy_file(
    source: Path,
    target: Path,
    *,
    path: str,
    progress: Progress,
    md5: bool = False,
    shared: bool = False,
) -> FileDigest:
    """Copy and digest a file in one pass, and wait until the copy is on the disk.

    The arguments are those of ``registry.checkpoints.digest.digest_stream``.

    Raises:
        BadCheckpoint: It cannot be read, or changed meanwhile.
    """
    with target.open("xb") as sink:
        digest = digest_file(
            source, path=path, md5=md5, shared=shared, sink=sink, progress=progress
        )
        sink.flush()
        os.fsync(sink.fileno())
    return digest


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def link_file(source: Path, target: Path) -> bool:
    """Make a hard link to a file; return whether the file system could."""
    try:
        target.hardlink_to(source.resolve())
    except OSError:
        return False  # another file system, or one without links: copy instead
    sync(target)
    return True


def sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
