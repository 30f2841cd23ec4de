"""The content-addressed store: each file of each release once, under its SHA-256.

``<root>/sha256/ab/abcdef...`` holds the objects, read-only; ``<root>/incoming`` holds
drafts. A file becomes an object by a rename, after its bytes are on the disk, so whatever
is under ``sha256`` is whole. A crash leaves drafts only, which ``sweep_temp`` removes.
Nothing here changes or removes an object.
"""

import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from registry.checkpoints.digest import (
    FileDigest,
    Progress,
    digest_file,
    in_parallel,
    larger_than_a_share,
)
from registry.checkpoints.manifest import SHOWN_DIGITS, Differences, FileEntry, Manifest, compare
from registry.errors import (
    BadCheckpoint,
    ChecksumMismatch,
    FolderExists,
    UnknownFile,
)
from registry.releases import arrivals
from registry.releases.arrivals import Identity
from registry.releases.drafts import copy_file, draft_folder, link_file, room, sync

READ_ONLY = 0o444
DRAFT_SECONDS = 24 * 3600

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Store:
    """The files of all releases.

    Attributes:
        root: Its folder, made when something is first added, for its owner alone: the
            weights are not for every account of the machine.
    """

    root: Path

    @property
    def _incoming(self) -> Path:
        return self.root / "incoming"

    def path_of(self, sha256: str) -> Path:
        """Return where the object with this digest is, or would be."""
        if not _SHA256.fullmatch(sha256):
            raise ValueError("a sha256 is 64 lower-case hex digits")
        return self.root / "sha256" / sha256[:2] / sha256

    def objects(self) -> Iterator[str]:
        """Yield the digest of every object."""
        for path in (self.root / "sha256").glob("*/*"):
            if _SHA256.fullmatch(path.name):
                yield path.name

    def entry_path(self, manifest: Manifest, path: str) -> Path:
        """Return where the bytes of one file of a manifest are.

        Raises:
            UnknownFile: The manifest has no such file, or the store has lost it.
        """
        entry = manifest.by_path.get(path)
        if entry is None:
            raise UnknownFile(f"the release {_shown(manifest.digest)} has no file {path!a}")
        found = self.path_of(entry.sha256)
        if not found.is_file():
            raise UnknownFile(f"the store has lost {path} of the release {_shown(manifest.digest)}")
        return found

    def add_folder(
        self,
        files: Sequence[Path],
        *,
        root: Path,
        progress: Progress | None = None,
        link: bool = False,
        md5: bool = False,
        check: Callable[[Sequence[FileDigest]], None] | None = None,
        threads: int | None = None,
    ) -> Manifest:
        """Take in the files of a checkpoint, hashing each while it is copied.

        Objects that the store has already are hashed and kept if they are sound, so adding a
        checkpoint twice changes nothing but mends what was damaged.

        Args:
            files: Files below ``root``; links are followed.
            root: The checkpoint's folder.
            progress: Called with a number of bytes done, never by two threads at once.
            link: Make hard links instead of copies where the file system can. The object
                then *is* the source file: that becomes read-only too, and whoever writes
                to it nevertheless destroys the object. Only for folders that nobody will
                touch again.
            md5: Whether ``check`` needs the files' MD5 too.
            check: Called with the digests of all files, in their order, before any of them
                becomes an object; what it raises ends the work, and nothing is left behind.
            threads: How many files to take in at a time; by default one for each processor.

        Raises:
            BadCheckpoint: There are no files, or one cannot be read or changed meanwhile.
            NotEnoughDisk: The copies do not fit; nothing is left behind.
        """
        with self.drafts(0 if link else self.needed_bytes(files)) as drafts:
            taken = self.take(
                files,
                drafts,
                root=root,
                progress=progress,
                link=link,
                md5=md5,
                check=check,
                threads=threads,
            )
            manifest = Manifest.of(taken.values())
            # Nothing becomes an object before everything has arrived.
            self.keep(taken)
        return manifest

    def needed_bytes(self, files: Sequence[Path]) -> int:
        """Return how much copies of files need, beside what an interrupted run has left here."""
        total = sum(file.stat().st_size for file in files)
        return total - arrivals.waiting_bytes(self._incoming, map(Identity.of, files))

    @contextmanager
    def drafts(self, needed_bytes: int) -> Iterator[Path]:
        """Make a folder for files that are to become objects; it is gone at the end.

        If the user interrupts, copies that have arrived whole are kept for the next time.

        Raises:
            NotEnoughDisk: So much does not fit, at once or while it is written.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._incoming.mkdir(exist_ok=True)
        folder = draft_folder(self._incoming, when_interrupted=arrivals.keep_whole)
        with room(self.root, needed_bytes), folder as drafts, arrivals.owned(drafts):
            yield drafts

    def take(
        self,
        files: Sequence[Path],
        drafts: Path,
        *,
        root: Path,
        progress: Progress | None = None,
        link: bool = False,
        md5: bool = False,
        check: Callable[[Sequence[FileDigest]], None] | None = None,
        threads: int | None = None,
    ) -> dict[Path, FileDigest]:
        """Copy files into a folder of drafts, hashing each; ``add_folder`` has the arguments.

        Files that arrived whole in an earlier run, which was interrupted, are taken over from
        there instead.

        Returns:
            The digest of each draft, in the order of ``files``.

        Raises:
            BadCheckpoint: There are no files, or one cannot be read or changed meanwhile.
        """
        if not files:
            raise BadCheckpoint(f"{root} has no files to register")
        names = {file: drafts / str(number) for number, file in enumerate(files)}
        wanted = {} if link else {names[file]: Identity.of(file) for file in files}
        arrived = arrivals.take_over(drafts.parent, wanted, md5=md5)
        large = larger_than_a_share(files, threads=threads)

        def work(file: Path, report: Progress) -> FileDigest:
            path, draft = file.relative_to(root).as_posix(), names[file]
            if draft in arrived:
                report(arrived[draft].size)
                return replace(arrived[draft], path=path)
            if link and link_file(file, draft):
                return digest_file(draft, path=path, md5=md5, progress=report)
            digest = copy_file(
                file, draft, path=path, md5=md5, shared=file in large, progress=report
            )
            if draft in wanted:
                arrivals.note(draft, file, identity=wanted[draft], digest=digest)
            return digest

        digests = in_parallel(work, files, progress=progress, threads=threads)
        if check is not None:
            check(digests)
        return dict(zip(names.values(), digests, strict=True))

    def keep(self, drafts: Mapping[Path, FileDigest]) -> None:
        """Make objects of drafts that are on the disk."""
        for draft, digest in drafts.items():
            self._promote(draft, digest)

    def verify(
        self, manifest: Manifest, *, progress: Progress | None = None, threads: int | None = None
    ) -> Differences:
        """Hash the objects of a manifest again and say how they differ from it.

        Raises:
            BadCheckpoint: An object cannot be read, or changed meanwhile.
        """

        def work(sha256: str, report: Progress) -> FileDigest:
            file = self.path_of(sha256)
            return digest_file(file, path=sha256, shared=file in large, progress=report)

        wanted = {entry.sha256 for entry in manifest.files}
        present = sorted(sha256 for sha256 in wanted if self.path_of(sha256).is_file())
        large = larger_than_a_share([self.path_of(each) for each in present], threads=threads)
        digests = in_parallel(work, present, progress=progress, threads=threads)
        found = {digest.path: digest for digest in digests}
        entries = [
            FileEntry(entry.path, digest.size, digest.sha256, digest.blake3)
            for entry in manifest.files
            if (digest := found.get(entry.sha256)) is not None
        ]
        return compare(manifest, Manifest(tuple(entries)))

    def materialise(
        self, manifest: Manifest, folder: Path, *, progress: Progress | None = None
    ) -> None:
        """Write the files of a manifest into a new folder, checking every byte.

        The folder appears when it is complete, and not at all if anything goes wrong.

        Raises:
            ChecksumMismatch: An object has other bytes than were registered.
            FolderExists: The folder exists and is not empty.
            NotEnoughDisk: The files do not fit.
            UnknownFile: The store has lost an object.
        """
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise FolderExists(f"{folder} is there already: name a new or an empty folder")
        sources = {entry: self.entry_path(manifest, entry.path) for entry in manifest.files}
        folder.parent.mkdir(parents=True, exist_ok=True)

        def work(entry: FileEntry, report: Progress) -> None:
            target = draft / entry.path
            target.parent.mkdir(parents=True, exist_ok=True)
            digest = copy_file(sources[entry], target, path=entry.path, progress=report)
            if digest.sha256 != entry.sha256:
                raise ChecksumMismatch(
                    f"{entry.path} is damaged in the store: expected sha256 "
                    f"{_shown(entry.sha256)}, found {_shown(digest.sha256)}; "
                    "register the release again from a good copy",
                    path=entry.path,
                    expected=entry.sha256,
                    found=digest.sha256,
                )

        with room(folder.parent, manifest.total_bytes), draft_folder(folder.parent) as draft:
            in_parallel(work, manifest.files, progress=progress)
            draft.rename(folder)

    def sweep_temp(self, *, older_than_seconds: float = DRAFT_SECONDS) -> int:
        """Remove drafts that nothing has written to for so long; return how many."""
        horizon, removed = time.time() - older_than_seconds, 0
        for draft in self._incoming.glob("*"):
            with suppress(FileNotFoundError):  # its owner has just finished with it
                if max(each.stat().st_mtime for each in (draft, *draft.glob("*"))) <= horizon:
                    shutil.rmtree(draft)
                    removed += 1
        return removed

    def _promote(self, draft: Path, digest: FileDigest) -> None:
        target = self.path_of(digest.sha256)
        if target.is_file() and digest_file(target, path=digest.path).sha256 == digest.sha256:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.chmod(READ_ONLY)
        draft.replace(target)
        for folder in (target.parent, target.parent.parent):
            sync(folder)


def _shown(digest: str) -> str:
    return digest[:SHOWN_DIGITS]
