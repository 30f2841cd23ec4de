"""Verify stored releases again and again, slowly, one file after another.

A pass over a release may take days at the rate that the operator sets. It notes each file that
is done, and one that was stopped goes on with the next file; a file that was half read is read
again. The first file that differs ends the pass and quarantines the release.

Bytes that the system still has in memory are let go before a file is read, where nobody maps
it, so that it is the disk that is read.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from registry.checkpoints.digest import digest_file
from registry.checkpoints.manifest import FileEntry, Manifest, compare
from registry.clock import now
from registry.db.session import Database
from registry.releases import queries, verifications, verifying
from registry.releases.model import Release, ReleaseState, VerificationPass
from registry.releases.store import Store

SEEN_SECONDS = 60
ABANDONED_SECONDS = 600
_VERIFIABLE = (ReleaseState.REGISTERED, ReleaseState.VERIFIED, ReleaseState.PUBLISHED)


class Stopped(Exception):
    """The schedule ends, or somebody else goes on with the pass."""


@dataclass(frozen=True)
class Reverification:
    """Verifies what is due.

    Attributes:
        database: The records.
        store: The files.
        every: How old the last verification may become.
        bytes_per_second: How fast to read.
        holder: Name of this schedule, in the records.
        stopping: Set when it is to end.
    """

    database: Database
    store: Store
    every: timedelta
    bytes_per_second: float
    holder: str
    stopping: threading.Event

    def once(self) -> str | None:
        """Verify one digest that is due, or the rest of it; return it.

        Raises:
            Stopped: It was told to end; what is done is noted.
            Unavailable: There is no store here.
            BadCheckpoint: A file is there but cannot be read.
        """
        with self.database.transaction() as session:
            begun = _take(session, due_before=now() - self.every, holder=self.holder)
            if begun is None:
                return None
            manifest = queries.manifest_for_digest(session, begun.digest)
        verifying.check_store(self.store)
        pace = Pace(self.bytes_per_second, self.stopping, lambda: self._note(begun))
        problems: list[str] = []
        while not problems and begun.files_done < len(manifest.files):
            entry = manifest.files[begun.files_done]
            problems = self._verify_file(entry, pace)
            begun.files_done += 1
            begun.bytes_done += entry.size
            self._note(begun)
        self._finish(begun, problems)
        return begun.digest

    def _verify_file(self, entry: FileEntry, pace: "Pace") -> list[str]:
        """Return what is wrong with the stored bytes of one file."""
        path = self.store.path_of(entry.sha256)
        found = Manifest(())
        if path.is_file():
            _let_go(str(path))
            found = Manifest.of([digest_file(path, path=entry.path, progress=pace)])
        return compare(Manifest((entry,)), found).summary()

    def _note(self, begun: VerificationPass) -> None:
        """Write down how far the pass is.

        Raises:
            Stopped: Another schedule has taken it over.
        """
        with self.database.transaction() as session:
            kept = session.scalar(
                update(VerificationPass)
                .where(VerificationPass.id == begun.id, VerificationPass.holder == self.holder)
                .values(seen_at=now(), files_done=begun.files_done, bytes_done=begun.bytes_done)
                .returning(VerificationPass.id)
            )
        if kept is None:
            raise Stopped

    def _finish(self, begun: VerificationPass, problems: list[str]) -> None:
        with self.database.transaction() as session:
            session.execute(delete(VerificationPass).where(VerificationPass.id == begun.id))
            verifying.record(
                session,
                digest=begun.digest,
                actor=self.holder,
                started_at=begun.started_at,
                files=begun.files_done,
                bytes_read=begun.bytes_done,
                problems=problems,
            )


class Pace:
    """Counts bytes, and sleeps so that they are no more per second than they may be.

    Args:
        bytes_per_second: The most.
        stopping: Ends a sleep, and with it the pass.
        note: Called about once a minute.
    """

    def __init__(
        self, bytes_per_second: float, stopping: threading.Event, note: Callable[[], None]
    ) -> None:
        self._rate = bytes_per_second
        self._stopping = stopping
        self._note = note
        self._ready_at = self._noted_at = time.monotonic()

    def __call__(self, count: int) -> None:
        """Account for bytes that were read.

        Raises:
            Stopped: It is to end.
        """
        at = time.monotonic()
        self._ready_at = max(self._ready_at, at - 1) + count / self._rate
        if self._stopping.wait(max(self._ready_at - at, 0)):
            raise Stopped
        if at - self._noted_at >= SEEN_SECONDS:
            self._noted_at = at
            self._note()


def due(session: Session, *, before: datetime) -> list[str]:
    """Return the digests to verify: those never verified, then the longest ago."""
    digests = set(session.scalars(select(Release.digest).where(Release.state.in_(_VERIFIABLE))))
    last = verifications.newest_of(session, digests)
    old = [each for each in digests if each in last and last[each].finished_at < before]
    return [
        *sorted(digests - last.keys()),
        *sorted(old, key=lambda digest: last[digest].finished_at),
    ]


def _take(session: Session, *, due_before: datetime, holder: str) -> VerificationPass | None:
    """Begin a pass over what is due, or go on with one that nobody works on."""
    for digest in due(session, before=due_before):
        begun = session.scalar(
            select(VerificationPass)
            .where(VerificationPass.digest == digest)
            .with_for_update(skip_locked=True)
        )
        if begun is None:
            begun = VerificationPass(
                digest=digest,
                holder=holder,
                started_at=now(),
                seen_at=now(),
                files_done=0,
                bytes_done=0,
            )
            session.add(begun)
            session.flush()
            return begun
        abandoned = now() - timedelta(seconds=ABANDONED_SECONDS)
        if begun.holder != holder and begun.seen_at > abandoned:
            continue
        begun.holder, begun.seen_at = holder, now()
        session.flush()
        return begun
    return None


def _let_go(path: str) -> None:
    """Ask the system to forget what it has of a file in memory."""
    if not hasattr(os, "posix_fadvise"):
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
