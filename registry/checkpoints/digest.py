"""Hash many files at once, reading each byte once.

One pass over a file gives its size, its SHA-256, its BLAKE3 and, where it is asked for, its
MD5; with a sink, the same pass copies it. Several files are read at a time, each by one
thread, in blocks that stay in the processor's cache between the hashes; the hashes release
the interpreter lock on blocks of this size. A file that is more than a core's share of all
would keep one core busy after the others have finished, so its slowest hash is computed by
a second thread. Files are not mapped into memory, although that would save a copy: a mapped
file that somebody cuts short kills the process.
"""

import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import BinaryIO, TypeVar

from blake3 import blake3

from registry.errors import BadCheckpoint

BLOCK_BYTES = 1 << 18
# Handing a block to another thread costs time, so fewer and longer ones are handed over.
SHARED_BLOCK_BYTES = 1 << 21

Progress = Callable[[int], None]
Update = Callable[[memoryview], None]
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class FileDigest:
    """What one file's bytes are.

    Attributes:
        path: Relative to the checkpoint's folder, with ``/`` between the parts.
        size: In bytes.
        sha256: 64 lower-case hex digits.
        blake3: 64 lower-case hex digits.
        md5: 32 lower-case hex digits, where it was asked for. It finds accidents only:
            anybody can make two files with one MD5.
    """

    path: str
    size: int
    sha256: str
    blake3: str
    md5: str | None = None


def digest_stream(
    source: BinaryIO,
    *,
    path: str,
    md5: bool = False,
    shared: bool = False,
    expected_bytes: int | None = None,
    sink: BinaryIO | None = None,
    progress: Progress | None = None,
) -> FileDigest:
    """Read a stream to its end and digest it, copying it to ``sink`` on the way.

    Args:
        source: Open for reading bytes, best without a buffer of its own.
        path: The name that the digest is to carry.
        md5: Whether to compute the MD5 too, as old checklists need it.
        shared: Whether a second thread computes the slowest hash.
        expected_bytes: How long the stream should be; nothing is read beyond the first block
            that shows it to be longer, as a file that grows may have no end.
        sink: Receives every byte; errors while writing it are not translated.
        progress: Called with the number of bytes read since the last call.

    Raises:
        BadCheckpoint: Reading failed.
    """
    sha, blake = hashlib.sha256(), blake3()
    old = hashlib.md5(usedforsecurity=False) if md5 else None
    slowest = (sha if old is None else old).update
    others = [each.update for each in (sha, blake, old) if each and each.update != slowest]
    size, blocks = 0, cycle(_blocks(shared=shared))
    with _lane(slowest, shared=shared) as hand_over:
        for block in blocks:
            with _reading(path):
                # BinaryIO does not declare readinto, which every binary stream has.
                got = source.readinto(block)  # type: ignore[attr-defined]
            if not got:
                break
            chunk = block[:got]
            hand_over(chunk)
            for update in others:
                update(chunk)
            if sink is not None:
                sink.write(chunk)
            size += got
            if progress is not None:
                progress(got)
            if expected_bytes is not None and size > expected_bytes:
                break
    return FileDigest(
        path, size, sha.hexdigest(), blake.hexdigest(), old.hexdigest() if old else None
    )


def digest_file(
    file: Path,
    *,
    path: str,
    md5: bool = False,
    shared: bool = False,
    sink: BinaryIO | None = None,
    progress: Progress | None = None,
) -> FileDigest:
    """Digest one regular file, following links, and refuse it if it changes meanwhile.

    The arguments are those of ``digest_stream``.

    Raises:
        BadCheckpoint: It cannot be read, is no regular file, or changed.
    """
    with _reading(path):
        # Opening a named pipe would otherwise wait for a writer that may never come.
        source = os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0)
    with source:
        before = os.fstat(source.fileno())
        if not stat.S_ISREG(before.st_mode):
            raise BadCheckpoint(f"{path} is not a regular file: take it out", path=path)
        digest = digest_stream(
            source,
            path=path,
            md5=md5,
            shared=shared,
            expected_bytes=before.st_size,
            sink=sink,
            progress=progress,
        )
        with _reading(path):
            after, named = os.fstat(source.fileno()), file.stat()
    # The name is looked up again in case another file has taken it meanwhile.
    if digest.size != before.st_size or not _mark(before) == _mark(after) == _mark(named):
        raise BadCheckpoint(
            f"{path} changed while it was read: stop whatever writes to it, then try again",
            path=path,
        )
    return digest


def digest_files(
    paths: Sequence[Path],
    *,
    root: Path,
    md5: bool = False,
    progress: Progress | None = None,
    threads: int | None = None,
) -> list[FileDigest]:
    """Digest files below ``root``, several at a time, each in one pass.

    Args:
        paths: Files below ``root``; links are followed.
        root: The folder that the digests' paths are relative to.
        md5: Whether to compute the MD5 too.
        progress: Called with a number of bytes read, from several threads but never by
            two at once.
        threads: How many files to read at a time; by default one for each processor.

    Returns:
        One digest for each path, in the order of ``paths``.

    Raises:
        BadCheckpoint: A file cannot be read, is no regular file, or changed.
    """

    def work(file: Path, report: Progress) -> FileDigest:
        path = file.relative_to(root).as_posix()
        return digest_file(file, path=path, md5=md5, shared=file in large, progress=report)

    large = larger_than_a_share(paths, threads=threads)
    return in_parallel(work, paths, progress=progress, threads=threads)


def larger_than_a_share(paths: Sequence[Path], *, threads: int | None = None) -> frozenset[Path]:
    """Return the files that are more than one core's share of all; at most as many as cores."""
    sizes = {}
    for path in paths:
        with suppress(OSError):  # who reads it says so
            sizes[path] = path.stat().st_size
    share = sum(sizes.values()) / (threads or os.cpu_count() or 1)
    return frozenset(path for path, size in sizes.items() if size > max(share, SHARED_BLOCK_BYTES))


def in_parallel(
    work: Callable[[Item, Progress], Result],
    items: Sequence[Item],
    *,
    progress: Progress | None = None,
    threads: int | None = None,
) -> list[Result]:
    """Run ``work`` on every item with several threads; the first failure stops all.

    ``work`` gets the item and a function to report bytes to, which it must call often:
    that call is where it is stopped.

    Returns:
        The results in the order of ``items``.
    """
    lock, stopped = threading.Lock(), threading.Event()

    def report(count: int) -> None:
        if stopped.is_set():
            raise _Stopped
        if progress is not None:
            with lock:
                progress(count)

    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        futures = [pool.submit(work, item, report) for item in items]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        except BaseException:
            stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
        return [future.result() for future in futures]


def _blocks(*, shared: bool) -> list[memoryview]:
    """Return one block, or two that are filled in turns while the other is still in use."""
    if not shared:
        return [memoryview(bytearray(BLOCK_BYTES))]
    return [memoryview(bytearray(SHARED_BLOCK_BYTES)) for _ in range(2)]


@contextmanager
def _lane(update: Update, *, shared: bool) -> Iterator[Update]:
    """Yield what updates a hash with a block: at once, or in a thread that is one block behind.

    At the end every block has been hashed.
    """
    if not shared:
        yield update
        return
    running: list[Future[None]] = []

    def hand_over(chunk: memoryview) -> None:
        if running:
            running.pop().result()
        running.append(pool.submit(update, chunk))

    with ThreadPoolExecutor(1) as pool:
        yield hand_over


class _Stopped(Exception):
    """Another file failed, so this one need not be finished."""


@contextmanager
def _reading(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadCheckpoint(
            f"{path} cannot be read: {error.strerror or error}", path=path
        ) from error


def _mark(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
