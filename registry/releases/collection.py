"""Remove from the store what no record refers to, after a grace period.

1. Whoever registers holds the store's lock, shared, from before its first byte is copied until
   its rows are committed; whoever collects holds it alone. So no object goes between the
   moment in which a registration finds it and the one in which it refers to it.
2. An object that no record refers to is noted first, and goes when the note is older than the
   grace period; one that is referred to again loses its note. So records that are the wrong
   ones, because somebody pointed a schedule at another database, remove nothing at once.

A note is an empty file ``<root>/unreferenced/<sha256>``; its age is its modification time.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from registry.db.session import Database
from registry.releases import queries
from registry.releases.store import Store


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection found.

    Attributes:
        removed: Objects that are gone, or would go, by sha256.
        freed_bytes: Their sizes together.
        waiting: Unreferenced objects whose grace period lasts.
        drafts: Abandoned drafts that are gone.
        busy: Whether something was being registered, so that nothing was looked at.
    """

    removed: tuple[str, ...] = ()
    freed_bytes: int = 0
    waiting: tuple[str, ...] = ()
    drafts: int = 0
    busy: bool = False


def collect(
    database: Database, store: Store, *, grace_seconds: float, dry_run: bool = False
) -> Collected:
    """Remove the objects that were unreferenced for longer than the grace period.

    Args:
        database: The records that the store belongs to.
        store: The store.
        grace_seconds: How long an object must have been noted.
        dry_run: Whether to say what would go, and to change nothing.
    """
    if not store.root.is_dir():
        return Collected()
    with _alone(store) as free:
        if not free:
            return Collected(busy=True)
        drafts = 0 if dry_run else store.sweep_temp()
        horizon = time.time() - grace_seconds
        with database.reading() as session:
            referenced = queries.referenced_sha256s(session)
        removed, waiting, freed = [], [], 0
        for sha256 in store.objects():
            noted_at = _noted_at(store, sha256)
            if sha256 in referenced:
                _forget(store, sha256, dry_run=dry_run)
            elif noted_at is not None and noted_at <= horizon:
                removed.append(sha256)
                freed += store.path_of(sha256).stat().st_size
                if not dry_run:
                    store.path_of(sha256).unlink()
                    _forget(store, sha256, dry_run=False)
            else:
                waiting.append(sha256)
                if noted_at is None and not dry_run:
                    _note(store, sha256)
    return Collected(tuple(removed), freed, tuple(waiting), drafts)


@contextmanager
def registering(database: Database, store: Store) -> Iterator[None]:
    """Keep the store from being collected, and leave it as it was if the block fails.

    Objects that came while the block ran and that no record refers to are removed then, unless
    somebody else is registering too; those wait for a collection.
    """
    store.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = frozenset(store.objects())
    try:
        with _shared(store):
            yield
    except BaseException:
        _discard(database, store, keep=before)
        raise


def _discard(database: Database, store: Store, *, keep: frozenset[str]) -> None:
    came = [sha256 for sha256 in store.objects() if sha256 not in keep]
    if not came:
        return
    with _alone(store) as free:
        if free:
            with database.reading() as session:
                referenced = queries.referenced_sha256s(session)
            for sha256 in came:
                if sha256 not in referenced:
                    store.path_of(sha256).unlink(missing_ok=True)


def _noted_at(store: Store, sha256: str) -> float | None:
    try:
        return (store.root / "unreferenced" / sha256).stat().st_mtime
    except FileNotFoundError:
        return None


def _note(store: Store, sha256: str) -> None:
    folder = store.root / "unreferenced"
    folder.mkdir(exist_ok=True)
    (folder / sha256).touch()


def _forget(store: Store, sha256: str, *, dry_run: bool) -> None:
    if not dry_run:
        (store.root / "unreferenced" / sha256).unlink(missing_ok=True)


@contextmanager
def _shared(store: Store) -> Iterator[None]:
    with _lock_file(store) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield


@contextmanager
def _alone(store: Store) -> Iterator[bool]:
    """Yield whether nobody is registering; if so, nobody begins to while the block runs."""
    with _lock_file(store) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@contextmanager
def _lock_file(store: Store) -> Iterator[int]:
    """Open the store's lock; closing it gives up whatever lock was taken."""
    descriptor = os.open(store.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
