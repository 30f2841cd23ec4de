"""Take a folder in: hash and copy it first, then register it in one short transaction.

No transaction is open while a byte is read. If anything fails, no row was written, and files
that had reached the store by then are removed. After a crash they stay until they are collected,
or serve whoever registers them next.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from registry.checkpoints import layouts
from registry.checkpoints.digest import Progress, digest_files
from registry.checkpoints.expectations import Expected, expectations_of
from registry.checkpoints.folders import is_pickle
from registry.db.paging import PAGE_LIMIT
from registry.db.session import Database, Session
from registry.releases import derivations, originals, queries, service, tensors
from registry.releases.collection import registering
from registry.releases.model import Release
from registry.releases.store import Store


def register_folder(
    database: Database,
    store: Store,
    *,
    folder: Path,
    name: str,
    license: str,  # noqa: A002 (the field's name everywhere)
    source: str,
    actor: str,
    progress: Progress | None,
    expected: Sequence[Expected] = (),
    say: Callable[[str], None] | None = None,
) -> Release:
    """Register the checkpoint in a folder, copying its files into the store.

    Lists of checksums that lie in the folder are followed, and what is in ``expected``; a file
    that is not what they say leaves neither row nor object. ``say`` hears what was checked.

    Pickled weights are kept as evidence, and what is registered is the safetensors made of them.
    The same bytes under the same name are the same release: it is returned as it is.

    Raises:
        BadParameters: The name has not the form OWNER/NAME.
        BadChecklist: A list is none, or not of this folder, or none has the weights.
        ChecksumMismatch: A file is not what a list says.
        BadCheckpoint: The folder is no checkpoint that can be registered.
        ReleaseExists: The name belongs to another digest.
        NotEnoughDisk: The copies do not fit.
    """
    service.check_name(name)
    layout = layouts.inspect(folder)
    checks = expectations_of(layout.checklists, expected, files=layout.files, root=layout.root)
    with registering(database, store):
        store.sweep_temp()
        how: dict[str, Any] = {
            "progress": progress,
            "md5": checks.needs_md5,
            "check": checks.check,
        }
        derived = originals.take_in(store, layout, **how) if layout.is_pickled else None
        if derived is None:
            manifest = store.add_folder(layout.files, root=layout.root, **how)
        else:
            manifest, layout = derived.manifest, replace(layout, kind="huggingface")
        if say is not None:
            for sentence in checks.summary():
                say(sentence)
        digests = tensors.digest_stored(store, manifest)
        with database.transaction() as session:
            release = service.register(
                session,
                name=name,
                layout=layout,
                manifest=manifest,
                digests=digests,
                license=license,
                source=source,
                actor=actor,
                checked=checks.summary(),
            )
            if derived is not None:
                derivations.record(session, release=release, derived=derived, actor=actor)
            return release


def work_bytes(folder: Path) -> int:
    """Return about how many bytes ``register_folder`` will report as done.

    Raises:
        BadCheckpoint: There is no such folder, or it is empty.
    """
    files = layouts.files_of(folder)
    # Pickles are copied, and about as many bytes written in their place.
    return sum(file.stat().st_size * (2 if is_pickle(file) else 1) for file in files)


def check_folder(
    folder: Path, expected: Sequence[Expected], *, progress: Progress | None
) -> list[str]:
    """Hash a folder and check it against lists; return sentences on what was checked.

    Raises:
        BadChecklist: A list is not of this folder, or none has the weights.
        BadCheckpoint: There is no such folder, or a file in it cannot be read.
        ChecksumMismatch: A file is not what a list says.
    """
    files, root = layouts.files_of(folder), folder.resolve()
    checks = expectations_of((), expected, files=files, root=root)
    checks.check(digest_files(files, root=root, md5=checks.needs_md5, progress=progress))
    return checks.summary()


def all_releases(session: Session) -> Sequence[Release]:
    """Return every release, newest first."""
    page = queries.page(session, limit=PAGE_LIMIT, cursor=None)
    rows = list(page.rows)
    while page.next_cursor is not None:
        page = queries.page(session, limit=PAGE_LIMIT, cursor=page.next_cursor)
        rows += page.rows
    return rows
