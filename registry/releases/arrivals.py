"""What an interrupted registration leaves for the next: copies that had arrived whole.

Beside each copy in a folder of drafts lies a note, written once the copy is on the disk: which
version of which file it is of, and what its digests are. So a folder whose owner was killed at
any moment holds whole copies with notes, and others without. Whoever registers the same files
again takes the noted copies over, and neither reads nor copies those files again.

Each folder's owner holds a lock on it, which the system takes away with the process; nothing is
taken out of a folder that is in use.
"""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from registry.checkpoints.digest import FileDigest

# A file that changed just now can change again without its times showing it.
SETTLED_SECONDS = 2.0

_NOTE = ".json"


@dataclass(frozen=True, slots=True)
class Identity:
    """Which file this is, in which version, as far as can be said without reading it.

    Attributes:
        device: Number of its file system.
        inode: Its number there.
        size: In bytes.
        written_ns: When its bytes changed last, which its owner can set to anything.
        changed_ns: When anything of it changed last, which only the system sets.
    """

    device: int
    inode: int
    size: int
    written_ns: int
    changed_ns: int

    @classmethod
    def of(cls, file: Path) -> Self:
        """Look at a file; links are followed."""
        found = file.stat()
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    @property
    def is_settled(self) -> bool:
        """Whether its last change is so long ago that another one would show."""
        return time.time() - self.changed_ns / 1e9 > SETTLED_SECONDS


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Hold a folder of drafts, so that nobody takes anything out of it.

    Raises:
        BlockingIOError: Somebody holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def note(copy: Path, source: Path, *, identity: Identity, digest: FileDigest) -> None:
    """Note that a copy, which is on the disk, is whole.

    Args:
        copy: The copy.
        source: What it was copied from.
        identity: Of the source, from before it was read; if it is another by now, or was new
            then, nothing is noted.
        digest: Of the bytes that were copied.
    """
    if not identity.is_settled or Identity.of(source) != identity:
        return
    draft = copy.with_name(f"{copy.name}.noting")
    with draft.open("w") as sink:
        json.dump({"identity": asdict(identity), "digest": asdict(digest)}, sink)
        sink.flush()
        os.fsync(sink.fileno())
    draft.replace(_note_of(copy))


def waiting_bytes(incoming: Path, wanted: Iterable[Identity]) -> int:
    """Return the size of all files that are wanted and have arrived already."""
    here = {identity for folder in _folders(incoming) for _, identity, _ in _noted(folder)}
    return sum(identity.size for identity in here.intersection(wanted))


def take_over(
    incoming: Path, wanted: Mapping[Path, Identity], *, md5: bool = False
) -> dict[Path, FileDigest]:
    """Move whole copies out of folders that nobody holds any more.

    Args:
        incoming: Where the folders of drafts are.
        wanted: Where the copy of each file is to be, and which file it is of.
        md5: Whether a copy is of use only if its MD5 is known.

    Returns:
        The digest of each copy that was found and moved, by its new place.
    """
    places = {identity: place for place, identity in wanted.items()}
    found: dict[Path, FileDigest] = {}
    for folder in _folders(incoming):
        # Its owner may be alive, or somebody else may be clearing it away.
        with suppress(OSError), owned(folder):
            before = len(found)
            for copy, identity, digest in _noted(folder):
                place = places.get(identity)
                if place is None or place in found or (md5 and digest.md5 is None):
                    continue
                copy.rename(place)
                _note_of(copy).rename(_note_of(place))
                found[place] = digest
            if len(found) > before:
                shutil.rmtree(folder)
    return found


def keep_whole(folder: Path) -> None:
    """Leave the copies that have a note, for whoever comes next, and nothing else."""
    whole = {copy for copy, _, _ in _noted(folder)}
    if not whole:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for each in folder.iterdir():
        if each not in whole and each not in map(_note_of, whole):
            each.unlink(missing_ok=True)


def _folders(incoming: Path) -> list[Path]:
    return [each for each in incoming.glob(".draft-*") if each.is_dir()]


def _noted(folder: Path) -> Iterator[tuple[Path, Identity, FileDigest]]:
    for each in sorted(folder.glob(f"*{_NOTE}")):
        copy = each.with_suffix("")
        # What cannot be read was cut off by a crash, or is going away this moment.
        with suppress(OSError, ValueError, TypeError, KeyError):
            facts = json.loads(each.read_bytes())
            identity, digest = Identity(**facts["identity"]), FileDigest(**facts["digest"])
            if copy.stat().st_size == identity.size == digest.size:
                yield copy, identity, digest


def _note_of(copy: Path) -> Path:
    return copy.with_name(copy.name + _NOTE)
