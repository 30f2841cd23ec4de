"""Reading a file of a release once, into memory of our own, and hashing that memory.

The file is opened once and every byte of it is read once, and hashed while it is still in the
processor's cache; nothing is mapped, so a file that somebody cuts short, swaps or writes to
meanwhile can neither change what was read nor end the process.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path

from blake3 import blake3

from registry.checkpoints.digest import Progress
from registry.checkpoints.manifest import SHOWN_DIGITS, FileEntry
from registry.errors import Refused, Unavailable

# One core hashes what its own cache holds; several share what is worth sharing.
PART_BYTES = 1 << 20
SHARED_PART_BYTES = 1 << 24

_SHA256_DIGITS = 64


class TamperedRelease(Refused):
    """The bytes at hand are not those that were registered; they must not be used."""

    code = "tampered_release"

    def __init__(self, file: str, *, expected: str, found: str) -> None:
        super().__init__(
            f"{file} is not what was registered: expected {_shown(expected)}, "
            f"found {_shown(found)}; register the release again from a good copy",
            file=file,
            expected=expected,
            found=found,
        )


class Reading:
    """One file while it is read; made by ``reading``.

    Nothing that it filled may be used before ``check`` has returned.
    """

    def __init__(
        self,
        entry: FileEntry,
        descriptor: int,
        *,
        threads: int,
        pool: ThreadPoolExecutor | None,
        progress: Progress | None,
    ) -> None:
        self._threads = threads
        self._pool = pool
        self._entry = entry
        self._descriptor = descriptor
        self._progress = progress
        self._at = 0
        self._filled: list[memoryview] = []
        self._blake3 = blake3(max_threads=threads)
        self._part_bytes = PART_BYTES if threads == 1 else SHARED_PART_BYTES

    def next_bytes(self, count: int) -> bytes:
        """Return the next bytes, fewer at the end of the file."""
        taken = bytearray(min(count, self._entry.size - self._at))
        self.fill([memoryview(taken)])
        return bytes(taken)

    def rest(self) -> bytes:
        """Return all bytes that are left."""
        return self.next_bytes(self._entry.size)

    def fill(self, targets: Iterable[memoryview]) -> None:
        """Fill pieces of memory, one after the other, with the next bytes.

        Raises:
            TamperedRelease: The file has been cut short.
            Unavailable: It cannot be read.
        """
        for target in targets:
            for start in range(0, len(target), self._part_bytes):
                part = target[start : start + self._part_bytes]
                self._read(part)
                self._blake3.update(part)
                if self._progress is not None:
                    self._progress(len(part))
            self._filled.append(target)

    def check(self) -> None:
        """Check that the whole file was read and that its bytes are those that were registered.

        The BLAKE3 is compared. Where it differs, or none is known, the SHA-256 decides.

        Raises:
            TamperedRelease: They are not.
        """
        if self._at != self._entry.size:
            raise ValueError(f"{self._at} of {self._entry.size} bytes were read")
        if self._blake3.hexdigest() == self._entry.blake3:
            return
        sha256 = hashlib.sha256()
        for each in self._filled:
            sha256.update(each)
        if sha256.hexdigest() != self._entry.sha256:
            raise TamperedRelease(
                self._entry.path, expected=self._entry.sha256, found=sha256.hexdigest()
            )

    def _read(self, part: memoryview) -> None:
        """Fill one part; several threads share it, as the system clears the memory meanwhile."""
        starts = range(0, len(part), max(PART_BYTES, -(-len(part) // self._threads)))
        slices = [part[one : one + starts.step] for one in starts]
        places = [self._at + one for one in starts]
        for _ in (map if self._pool is None else self._pool.map)(self._read_at, slices, places):
            pass
        self._at += len(part)

    def _read_at(self, part: memoryview, at: int) -> None:
        done = 0
        while done < len(part):
            with _store_errors(self._entry):
                got = os.preadv(self._descriptor, [part[done:]], at + done)
            if got == 0:
                raise _of_another_size(self._entry, at + done)
            done += got


@contextmanager
def reading(
    entry: FileEntry, path: Path, *, threads: int = 1, progress: Progress | None = None
) -> Iterator[Reading]:
    """Open a file of a release.

    Args:
        entry: What it must be.
        path: Where it is; looked up once.
        threads: How many cores may read and hash it at a time.
        progress: Called with a number of bytes that were read and hashed since the last call.

    Raises:
        TamperedRelease: It has another size.
        Unavailable: It cannot be opened.
    """
    with _store_errors(entry):
        # Opening a named pipe would otherwise wait for a writer that may never come.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unavailable(f"the store has no regular file for {entry.path}")
        if status.st_size != entry.size:
            raise _of_another_size(entry, status.st_size)
        with ThreadPoolExecutor(threads) if threads > 1 else nullcontext() as pool:
            yield Reading(entry, descriptor, threads=threads, pool=pool, progress=progress)
    finally:
        os.close(descriptor)


def _of_another_size(entry: FileEntry, size: int) -> TamperedRelease:
    return TamperedRelease(entry.path, expected=f"{entry.size} bytes", found=f"{size} bytes")


def _shown(fact: str) -> str:
    return f"sha256 {fact[:SHOWN_DIGITS]}" if len(fact) == _SHA256_DIGITS else fact


@contextmanager
def _store_errors(entry: FileEntry) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"the store cannot read {entry.path}: {error.strerror}") from error
