"""The digests of a release's tensors: made from the store's bytes, kept as rows."""

from collections.abc import Sequence

from sqlalchemy import select, update

from registry.checkpoints.digest import Progress
from registry.checkpoints.manifest import Manifest
from registry.checkpoints.tensors import TensorDigest, digest_tensors, roots_of
from registry.checkpoints.weights import open_weights
from registry.db.session import Database, Session
from registry.errors import BadCheckpoint, UnknownFile
from registry.ledger import service as ledger
from registry.releases import queries
from registry.releases.model import Release, ReleaseTensor
from registry.releases.store import Store


def digest_stored(
    store: Store, manifest: Manifest, *, progress: Progress | None = None
) -> list[TensorDigest]:
    """Digest the tensors of the files that a manifest lists, where the store has them.

    Nobody writes to an object of the store, so these are the bytes of the manifest as far
    as it holds.

    Raises:
        BadCheckpoint: A file's tensors cannot be read.
        UnknownFile: The store has lost a file.
    """
    places = {entry.path: store.entry_path(manifest, entry.path) for entry in manifest.files}
    return digest_tensors(open_weights(places).wholes, progress=progress)


def keep(session: Session, release: Release, digests: Sequence[TensorDigest]) -> None:
    """Write the rows of a release's tensors, and the roots over them."""
    if not digests:
        return
    roots = roots_of(digests)
    session.execute(
        update(Release)
        .where(Release.id == release.id)
        .values(tensor_root=roots.stored, tensor_root_bf16=roots.bf16)
    )
    session.add_all(
        ReleaseTensor(
            release_id=release.id,
            position=position,
            name=each.name,
            dtype=each.dtype,
            shape=list(each.shape),
            sha256=each.sha256,
            bf16_sha256=each.bf16_sha256,
        )
        for position, each in enumerate(digests)
    )
    session.flush()
    session.refresh(release)


def fill_in(
    database: Database,
    store: Store,
    name: str,
    *,
    actor: str,
    progress: Progress | None = None,
) -> Release:
    """Give a release that is older than tensor roots its own; a newer one stays as it is.

    Call it once the store's files are known to be the registered ones.

    Raises:
        UnknownRelease: No release has that name.
        BadCheckpoint: A file's tensors cannot be read.
        UnknownFile: The store has lost a file.
    """
    with database.reading() as session:
        release = queries.get(session, name)
        manifest = queries.manifest_of(session, release)
    if release.tensor_root is not None:
        return release
    digests = digest_stored(store, manifest, progress=progress)
    with database.transaction() as session:
        # Whoever changes the row first has it locked, so the rows are written once.
        session.execute(update(Release).where(Release.name == name).values(name=name))
        release = queries.get(session, name)
        session.refresh(release)
        if release.tensor_root is None and digests:
            keep(session, release, digests)
            ledger.record(
                session,
                actor=actor,
                action="release.tensors_digested",
                subject=name,
                digest=release.digest,
                tensor_root=release.tensor_root,
                tensor_root_bf16=release.tensor_root_bf16,
            )
    return release


def differing(database: Database, store: Store, name: str) -> list[str] | None:
    """Return which tensors of a release are others in the store than were registered.

    Read it after a file was found to differ; ``None`` says that it cannot be told, because a
    file is gone, its tensors cannot be read, or the release is older than tensor roots.

    Raises:
        UnknownRelease: No release has that name.
    """
    with database.reading() as session:
        release = queries.get(session, name)
        manifest = queries.manifest_of(session, release)
        registered = {each.name: each for each in of_release(session, release)}
    try:
        found = {each.name: each for each in digest_stored(store, manifest)}
    except (BadCheckpoint, UnknownFile):
        return None
    if not registered:
        return None
    return [each for each in {**registered, **found} if registered.get(each) != found.get(each)]


def of_release(session: Session, release: Release) -> list[TensorDigest]:
    """Return the digests of a release's tensors, in canonical order."""
    rows = session.scalars(
        select(ReleaseTensor)
        .where(ReleaseTensor.release_id == release.id)
        .order_by(ReleaseTensor.position)
    )
    return [
        TensorDigest(each.name, each.dtype, tuple(each.shape), each.sha256, each.bf16_sha256)
        for each in rows
    ]
