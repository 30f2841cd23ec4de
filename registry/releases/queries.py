"""Read releases."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from registry.checkpoints.manifest import FileEntry, Manifest
from registry.db.paging import Page, paged
from registry.errors import UnknownRelease
from registry.releases.model import Derivation, EvidenceFile, Release, ReleaseFile, ReleaseState

# Asked with every submission, so made once.
_FILES = select(ReleaseFile.path, ReleaseFile.size, ReleaseFile.sha256, ReleaseFile.blake3).where(
    ReleaseFile.release_id == bindparam("of_release")
)


def get(session: Session, name: str) -> Release:
    """Return the release with this name.

    Raises:
        UnknownRelease: No release has it.
    """
    release = session.scalar(select(Release).where(Release.name == name))
    if release is None:
        raise UnknownRelease(name)
    return release


def by_id(session: Session, identifier: UUID) -> Release:
    """Return the release that a row refers to."""
    return session.get_one(Release, identifier)


def manifest_of(session: Session, release: Release) -> Manifest:
    """Return the manifest that was registered."""
    files = session.execute(_FILES, {"of_release": release.id})
    return Manifest(
        tuple(
            FileEntry(path=each.path, size=each.size, sha256=each.sha256, blake3=each.blake3)
            for each in sorted(files, key=lambda each: each.path.encode())
        )
    )


def derivation_of(session: Session, release: Release) -> Derivation | None:
    """Return how the files of a release were made, unless they are as they were registered."""
    return session.scalar(select(Derivation).where(Derivation.release_id == release.id))


def evidence_of(session: Session, derivation: Derivation) -> Manifest:
    """Return the manifest of the originals."""
    files = session.scalars(select(EvidenceFile).where(EvidenceFile.derivation_id == derivation.id))
    return Manifest(
        tuple(
            FileEntry(path=each.path, size=each.size, sha256=each.sha256, blake3=each.blake3)
            for each in files
        )
    )


def manifest_for_digest(session: Session, digest: str) -> Manifest:
    """Return the manifest with this digest, whatever its name.

    Raises:
        UnknownRelease: No release has these bytes.
    """
    release = session.scalar(select(Release).where(Release.digest == digest).limit(1))
    if release is None:
        raise UnknownRelease(digest[:12])
    return manifest_of(session, release)


def referenced_sha256s(session: Session) -> set[str]:
    """Return every object of the store that the records refer to, whatever its release's state.

    What is not among them is collected one day: whoever puts other files than those of a
    manifest into the store adds them here.
    """
    served = select(ReleaseFile.sha256)
    return set(session.scalars(served.union(select(EvidenceFile.sha256))))


def page(session: Session, *, limit: int, cursor: str | None) -> Page[Release]:
    """Return releases, newest first."""
    return paged(session, select(Release), Release, limit=limit, cursor=cursor)


def published_digests(session: Session, names: Collection[str] = ()) -> set[str]:
    """Return the digests of published releases: of those named, or of all."""
    query = select(Release.digest).where(Release.state == ReleaseState.PUBLISHED)
    if names:
        query = query.where(Release.name.in_(names))
    return set(session.scalars(query))
